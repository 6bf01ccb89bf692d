package packing

import (
	"bytes"
	"strings"
	"testing"
)

func TestALargePayloadIsPackedAndComesBackAsItWas(t *testing.T) {
	payload := []byte(`{"values":[` + strings.Repeat("1,", 2000) + `1]}`)
	packed, contentType, err := Pack(payload)
	if err != nil || contentType != PackedJSON || len(packed) > len(payload)/10 {
		t.Fatal(len(packed), contentType, err)
	}
	again, _, _ := Pack(payload)
	if !bytes.Equal(packed, again) {
		t.Error("the same payload was packed differently")
	}
	unpacked, err := Unpack(packed, contentType)
	if err != nil || !bytes.Equal(unpacked, payload) {
		t.Error("it came back as something else", err)
	}
}

func TestASmallPayloadStaysAsItIs(t *testing.T) {
	payload := []byte(`{"step":1}`)
	packed, contentType, err := Pack(payload)
	if err != nil || contentType != JSON || !bytes.Equal(packed, payload) {
		t.Fatal(contentType, err)
	}
	for _, contentType := range []string{JSON, "", "application/json; charset=utf-8"} {
		if unpacked, err := Unpack(payload, contentType); err != nil || !bytes.Equal(unpacked, payload) {
			t.Error(contentType, err)
		}
	}
}

func TestWhatIsNotWhatItsContentTypeSaysIsRefused(t *testing.T) {
	for _, contentType := range []string{PackedJSON, "text/plain", "no type"} {
		if _, err := Unpack([]byte(`{}`), contentType); err == nil {
			t.Error(contentType, "was taken")
		}
	}
}
