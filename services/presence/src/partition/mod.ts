/*
 * The Presence Server without SIP, gRPC and process: what the simulator (packages/sim) runs on its own clock and network.
 * Nothing that ships enters here.
 */
export type { Answer } from '../actor/decision.ts'
export type { PublishInput } from '../actor/publish.ts'
export type { Subscription } from '../actor/state.ts'
export type { ResubscribeInput, SubscribeInput } from '../actor/subscribe.ts'
export { PresenceView } from '../actor/view.ts'
export { type ForwardPush, PolicyChanges } from '../sh/policy-changes.ts'
export { readUserData } from '../sh/read-user-data.ts'
export { type FetchUserData, type UserData, UserDataCache } from '../sh/user-data.ts'
export type { AnswerListener, UnavailableReason } from './answers.ts'
export { AppendLoad } from './append-load.ts'
export { type Notice, noticeBody } from './notice.ts'
export { type NotifyOutcome, notifyOutcome } from './notify-outcome.ts'
export type { PartitionOwner } from './owner.ts'
export type { OwnedRequest, OwnerContext } from './owner-context.ts'
export type { PartitionLog, PartitionSource } from './partition-log.ts'
export { Partitions } from './partitions.ts'
export { SnapshotTurn } from './snapshot-turn.ts'
