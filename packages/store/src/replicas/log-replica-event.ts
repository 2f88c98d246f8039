import type { ReplicaEvent } from './replica-event.ts'

/** What is needed of a logger. */
interface EventLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** Writes what happens among the replicas into a service's log; what somebody should look at stands out. */
export function logReplicaEvent(log: EventLog, event: ReplicaEvent): void {
  switch (event.kind) {
    case 'lease':
      if (event.isLive) log.info({}, 'the lease is live: what is in memory may be told')
      else log.warn({}, 'the lease has ended: nothing is told from memory until it is live again')
      return
    case 'revoked':
    case 'deposed':
      log.warn(event, `replica ${event.kind}`)
      return
    case 'take-failed':
      log.error({ err: event.error, partition: event.partition }, 'a partition could not be taken')
      return
    default:
      log.info(event, `replica ${event.kind}`)
  }
}
