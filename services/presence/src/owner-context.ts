import type { Clock } from '@rollcall/core'
import { type Logger, startSpan } from '@rollcall/runtime'
import type { PresenceConfig } from './config.ts'
import type { PresenceEvents } from './events.ts'
import {
  BODY_OCTETS_PER_PARTITION_MAX,
  PRESENTITIES_PER_PARTITION_MAX,
  SUBSCRIPTIONS_PER_PARTITION_MAX,
} from './limits.ts'
import type { AppendLoad } from './partition/append-load.ts'
import type { OwnerContext } from './partition/owner-context.ts'
import { SnapshotTurn } from './partition/snapshot-turn.ts'
import type { NotifySender } from './sip/notify-sender.ts'

/** What all owners of this process have in common, from its settings. */
export function createOwnerContext(o: {
  readonly config: PresenceConfig
  readonly clock: Clock
  readonly events: PresenceEvents
  readonly sender: NotifySender
  readonly load: AppendLoad
  readonly log: Logger
}): OwnerContext {
  const { config, clock, events, sender, load, log } = o
  return {
    clock,
    load,
    snapshots: new SnapshotTurn(),
    terms: {
      expiresSecondsMin: config.ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS,
      expiresSecondsMax: config.ROLLCALL_PRESENCE_EXPIRES_MAX_SECONDS,
      waitingMs: config.ROLLCALL_PRESENCE_WAITING_SECONDS * 1_000,
    },
    limits: {
      presentities: PRESENTITIES_PER_PARTITION_MAX,
      subscriptions: SUBSCRIPTIONS_PER_PARTITION_MAX,
      bodyOctets: BODY_OCTETS_PER_PARTITION_MAX,
    },
    notifyGraceMs: config.ROLLCALL_PRESENCE_NOTIFY_GRACE_MS,
    notifyIntervalMs: {
      presence: config.ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS,
      'presence.winfo': config.ROLLCALL_PRESENCE_WINFO_INTERVAL_MS,
      'xcap-diff': config.ROLLCALL_PRESENCE_XCAP_DIFF_INTERVAL_MS,
    },
    sendNotify: (...args) => sender.send(...args),
    events: {
      expired: (count) => events.expired(count),
      ended: (presentity, subscription, reason) => events.subscriptionEnded(presentity, subscription, reason),
      notified: (outcome) => events.notified(outcome),
      fanOut: (watchers, parent) => {
        startSpan('presence fan-out', { parent, attributes: { 'rollcall.fan_out.watchers': watchers } }).end()
      },
      snapshot: (partition, error) => {
        events.snapshot(error === undefined ? 'written' : 'failed')
        if (error !== undefined) log.warn({ partition, err: error }, 'a snapshot was not written; the one before holds')
      },
    },
  }
}
