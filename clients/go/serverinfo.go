package quipu

// What a server is and allows.

import (
	"context"
	"time"

	"quipu/client/quipupb"
)

// ServerInfo is the facts of a server.
type ServerInfo struct {
	// Version is the server's version, such as `0.1.0`.
	Version string
	// Engine keeps the log: `segments` on disk or `memory`.
	Engine string
	// Durability is what an acknowledgement means: `synced` to disk, or `volatile`.
	Durability string
	// Limits are the limits in force.
	Limits Limits
	// Head is the position of the tenant's last event; 0 when there is none.
	Head uint64
	// Tenant is whom the request spoke for.
	Tenant string
	// LogID identifies the tenant's log: positions of one log mean nothing in another.
	LogID string
}

// Limits are the limits in force. A request beyond one is refused with [LimitExceeded].
type Limits struct {
	// StreamNameBytes is the longest stream name.
	StreamNameBytes uint64
	// EventTypeBytes is the longest event type.
	EventTypeBytes uint64
	// TagsPerEvent is the most tags of an event.
	TagsPerEvent uint64
	// TagBytes is the longest tag.
	TagBytes uint64
	// MetadataBytes is the largest metadata map of an event, keys and values together.
	MetadataBytes uint64
	// DataBytes is the largest payload of an event.
	DataBytes uint64
	// AppendEvents is the most events of one append.
	AppendEvents uint64
	// AppendBytes is the largest append.
	AppendBytes uint64
	// ResponseBytes is about how large a message with events gets.
	ResponseBytes uint64
	// RecentEventIDs is how many of the newest events are searched for the ids of a retried append.
	RecentEventIDs uint64
	// SnapshotsPerStream is how many snapshots of a stream are kept.
	SnapshotsPerStream uint64
	// HeartbeatInterval is the longest silence of a subscription before a heartbeat.
	HeartbeatInterval time.Duration
	// QueryItems is the most items of a query.
	QueryItems uint64
	// Guards is the most guards of an append or a transaction.
	Guards uint64
	// Checkpoints is the most checkpoints of a tenant.
	Checkpoints uint64
}

// ServerInfo returns version, engine, limits, and the tenant's head.
func (c *Client) ServerInfo(ctx context.Context) (ServerInfo, error) {
	answer, err := call(ctx, c, c.server.Get, &quipupb.ServerInfoGetRequest{})
	if err != nil {
		return ServerInfo{}, err
	}
	limits := answer.GetLimits()
	return ServerInfo{
		Version: answer.Version, Engine: answer.Engine, Durability: answer.Durability,
		Head: answer.GetHead(), Tenant: answer.Tenant, LogID: answer.LogId,
		Limits: Limits{
			StreamNameBytes: limits.GetStreamNameBytes(), EventTypeBytes: limits.GetEventTypeBytes(),
			TagsPerEvent: limits.GetTagsPerEvent(), TagBytes: limits.GetTagBytes(),
			MetadataBytes: limits.GetMetadataBytes(), DataBytes: limits.GetDataBytes(),
			AppendEvents: limits.GetAppendEvents(), AppendBytes: limits.GetAppendBytes(),
			ResponseBytes: limits.GetResponseBytes(), RecentEventIDs: limits.GetRecentEventIds(),
			SnapshotsPerStream: limits.GetSnapshotsPerStream(),
			HeartbeatInterval:  limits.GetHeartbeatInterval().AsDuration(),
			QueryItems:         limits.GetQueryItems(), Guards: limits.GetGuards(), Checkpoints: limits.GetCheckpoints(),
		},
	}, nil
}
