package quipu

// The server's words for failures: the names of ErrorReason in proto/quipu/v1/errors.proto.

// Reason is the server's word for why a request failed. It is an error to compare with:
// errors.Is(err, quipu.StreamNotFound).
type Reason string

// Error gives the word.
func (r Reason) Error() string { return string(r) }

// What can be the reason of an [*Error], and what to do about it.
const (
	// InvalidArgument: something in the request is malformed. Mend the request.
	InvalidArgument Reason = "INVALID_ARGUMENT"
	// LimitExceeded: a limit of the server is exceeded; its detail says which. Send less.
	LimitExceeded Reason = "LIMIT_EXCEEDED"
	// WrongExpectedRevision: the stream is not as expected. Read and decide again.
	WrongExpectedRevision Reason = "WRONG_EXPECTED_REVISION"
	// SnapshotAhead: the snapshot's revision lies ahead of its stream.
	SnapshotAhead Reason = "SNAPSHOT_AHEAD"
	// StreamNotFound: the stream has no event.
	StreamNotFound Reason = "STREAM_NOT_FOUND"
	// EventNotFound: no event has this id or position.
	EventNotFound Reason = "EVENT_NOT_FOUND"
	// SnapshotNotFound: the stream has no such snapshot.
	SnapshotNotFound Reason = "SNAPSHOT_NOT_FOUND"
	// TenantNotFound: the tenant holds nothing. The first append makes it.
	TenantNotFound Reason = "TENANT_NOT_FOUND"
	// EventIDConflict: an id is taken by another event. Make new ids.
	EventIDConflict Reason = "EVENT_ID_CONFLICT"
	// BeyondEnd: the place asked for lies beyond the end. Wrong store, or an old copy.
	BeyondEnd Reason = "BEYOND_END"
	// QueueFull: the write queue is full. Back off and retry.
	QueueFull Reason = "QUEUE_FULL"
	// DiskFull: the disk is full; reads go on. Make room and retry.
	DiskFull Reason = "DISK_FULL"
	// TooManyTenants: too many tenants are open.
	TooManyTenants Reason = "TOO_MANY_TENANTS"
	// ShuttingDown: the server is stopping.
	ShuttingDown Reason = "SHUTTING_DOWN"
	// Poisoned: the log refused a write and the store has stopped. Retry with the same ids after the restart.
	Poisoned Reason = "POISONED"
	// Damaged: stored bytes do not match their checksum. Call the operator.
	Damaged Reason = "DAMAGED"
	// Internal: a fault of the server, whose log has the story.
	Internal Reason = "INTERNAL"
	// GuardNotMet: a guard does not hold. Read and decide again.
	GuardNotMet Reason = "GUARD_NOT_MET"
	// StreamDeleted: the stream was deleted; an append revives it.
	StreamDeleted Reason = "STREAM_DELETED"
	// StreamTombstoned: the stream was deleted for good.
	StreamTombstoned Reason = "STREAM_TOMBSTONED"
	// CheckpointNotFound: there is no checkpoint of this name.
	CheckpointNotFound Reason = "CHECKPOINT_NOT_FOUND"
	// WrongCheckpoint: a checkpoint is not where it was expected, or would not move forwards.
	WrongCheckpoint Reason = "WRONG_CHECKPOINT"
	// TooManyCheckpoints: there are as many checkpoints as there may be.
	TooManyCheckpoints Reason = "TOO_MANY_CHECKPOINTS"
	// GroupNotFound: there is no consumer group of this name.
	GroupNotFound Reason = "GROUP_NOT_FOUND"
	// GroupExists: there is a consumer group of this name with other settings.
	GroupExists Reason = "GROUP_EXISTS"
	// MemberExists: the consumer group has a member of this name.
	MemberExists Reason = "MEMBER_EXISTS"
	// NotParked: the consumer group has not parked this event.
	NotParked Reason = "NOT_PARKED"
	// TooManyGroups: there are as many groups, or as many parked events of one, as there may be.
	TooManyGroups Reason = "TOO_MANY_GROUPS"
	// ReadModelNotFound: there is no read model, generation or document of this name.
	ReadModelNotFound Reason = "READ_MODEL_NOT_FOUND"
	// WrongReadModelPosition: a generation is not where it was expected. Ask for its position and go on behind it.
	WrongReadModelPosition Reason = "WRONG_READ_MODEL_POSITION"
	// NotFoldable: a snapshot or an event is not JSON.
	NotFoldable Reason = "NOT_FOLDABLE"
	// PolicyNotFound: there is no snapshot policy for this category.
	PolicyNotFound Reason = "POLICY_NOT_FOUND"
)
