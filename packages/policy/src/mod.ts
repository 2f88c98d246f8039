export { type ListPolicyOptions, listPolicy } from './list-policy.ts'
export type { PresencePolicy, WatcherIdentity } from './presence-policy.ts'
export type { SubHandling } from './sub-handling.ts'
