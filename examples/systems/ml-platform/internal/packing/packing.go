// Package packing compresses large payloads. The content type of an event says whether its payload is packed, so
// that a reader needs to know nothing else.
package packing

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"mime"
)

const (
	// Over is the size in bytes above which a payload is packed: below, the envelope costs more than it saves.
	Over = 1024
	// JSON is the content type of a payload as it is.
	JSON = "application/json"
	// PackedJSON is the content type of a payload in gzip.
	PackedJSON = "application/json+gzip"
	// unpackedMax bounds what a packed payload may unfold to.
	unpackedMax = 64 << 20
)

// Pack gives the payload as it is to be stored, with its content type. The same payload always gives the same
// bytes, as a retried append requires.
func Pack(payload []byte) ([]byte, string, error) {
	if len(payload) <= Over {
		return payload, JSON, nil
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if _, err := writer.Write(payload); err != nil {
		return nil, "", fmt.Errorf("packing: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, "", fmt.Errorf("packing: %w", err)
	}
	if packed.Len() >= len(payload) {
		return payload, JSON, nil
	}
	return packed.Bytes(), PackedJSON, nil
}

// Unpack gives the payload that was stored under this content type.
func Unpack(data []byte, contentType string) ([]byte, error) {
	if contentType == "" {
		return data, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, fmt.Errorf("content type %q: %w", contentType, err)
	}
	switch media {
	case JSON:
		return data, nil
	case PackedJSON:
		return unzip(data)
	}
	return nil, fmt.Errorf("a payload of the content type %q can not be read", contentType)
}

func unzip(data []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	payload, err := io.ReadAll(io.LimitReader(reader, unpackedMax+1))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	if len(payload) > unpackedMax {
		return nil, fmt.Errorf("a packed payload unfolds to more than %d bytes", unpackedMax)
	}
	return payload, nil
}
