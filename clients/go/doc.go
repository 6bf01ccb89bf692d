// Package quipu is the Go client of Quipu, a gRPC event store.
//
// A [Client] speaks to one server for one tenant. It appends and transacts ([Client.Append],
// [Client.Transact]), reads ([Client.ReadStream], [Client.ReadAll]), follows the log ([Client.SubscribeAll],
// [Client.SubscribeStream]), and has a field for each other service of the server: [Client.Snapshots],
// [Client.Streams], [Client.Checkpoints], [Client.Consumers], [Client.ReadModels].
//
// On top of these calls stand [Aggregate] (state of one stream, decided upon with optimistic concurrency),
// [Reactor] (handlers on a consumer group), [Projector] (an exactly-once projection into a read model),
// [Client.Replay] (a resumable pass over the log) and [Upcasters] (old events in today's shape).
//
// Every failure that the server or the connection tells of is an [*Error]. A Client may be used by many
// goroutines at the same time; what it hands out ([Reading], [Subscription]) belongs to one.
package quipu
