import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Role } from '../roles.ts'
import type { Runtime } from '../runtime.ts'
import { HopLink } from './link.ts'
import type { HopLimits, LinkEvents } from './result.ts'
import { createStreamOpener, type StreamOpener } from './stream.ts'

/** Some 4 MB of requests to a peer that is slow or not there yet; more is answered 503 by the edge. */
const QUEUE_MESSAGES_MAX = 4_096
/** A second's worth at twice the rate that one process reaches. */
const PENDING_MAX = 32_768
/** What a lost stream owed us waits this long for the next one: a peer that restarts is back by then. */
const RESEND_MS_MAX = 3_000
/** How long `close` waits for responses. */
export const CLOSE_GRACE_MS = 2_000

/** What a link leads to: who is expected there by its certificate, and where. */
export interface HopTarget {
  /** `HOST:PORT` of the gRPC listener. */
  readonly target: string
  readonly role: Role
}

/** What router and peers make their links with. */
export interface LinkOptions {
  readonly runtime: Pick<Runtime, 'identity' | 'clock' | 'random' | 'metrics' | 'log'>
  /** Requests to one target that wait for a stream; beyond it `full`. */
  readonly queueMessagesMax?: number
  /** Requests to one target without a final response; beyond it `full`. */
  readonly pendingMax?: number
  /** How long what a lost stream owed waits for a peer that cannot be reached; 3 s. */
  readonly resendMsMax?: number
  /** For tests: streams that are no gRPC. */
  readonly openStream?: (to: HopTarget) => StreamOpener
}

/** Makes links, which tell their metrics and their log. */
export function linkFactory(o: LinkOptions): (to: HopTarget) => HopLink {
  const { identity, clock, random, metrics, log } = o.runtime
  const openStream = o.openStream ?? ((to) => createStreamOpener({ ...to, identity }))
  const limits: HopLimits = {
    queueMessagesMax: o.queueMessagesMax ?? QUEUE_MESSAGES_MAX,
    pendingMax: o.pendingMax ?? PENDING_MAX,
    resendMsMax: o.resendMsMax ?? RESEND_MS_MAX,
  }
  return (to) => {
    const events = linkEvents(metrics, to.role, log.child({ peer: to.role, target: to.target }))
    return new HopLink({ opener: openStream(to), clock, random, limits, events })
  }
}

/** One name for a target, whoever asks for it. */
export function targetKey({ target, role }: HopTarget): string {
  return `${role}@${target}`
}

function linkEvents(metrics: Metrics, peer: Role, log: Logger): LinkEvents {
  const sent = metrics.counter('rollcall_hop_sent_total', { peer })
  const resent = metrics.counter('rollcall_hop_resent_total', { peer })
  const strays = metrics.counter('rollcall_hop_stray_responses_total', { peer })
  const batches = metrics.histogram('rollcall_hop_batch_messages', { direction: 'request' })
  const responses = metrics.counter('rollcall_hop_outcomes_total', { peer, outcome: 'response' })
  let isDown = false
  return {
    sent: () => sent.add(),
    resent: (count) => resent.add(count),
    stray: () => strays.add(),
    batch: (messages) => batches.record(messages),
    outcome(outcome) {
      if (outcome === 'response') responses.add()
      else metrics.counter('rollcall_hop_outcomes_total', { peer, outcome }).add()
    },
    stream(event, code) {
      metrics.counter('rollcall_hop_streams_total', { peer, event }).add()
      // That a peer is away is told once, not at each try.
      const level = event === 'lost' || (event === 'failed' && !isDown) ? 'warn' : 'debug'
      if (event === 'opened' && isDown) log.info('the hop peer is there again')
      isDown = event === 'failed' || (isDown && event !== 'opened')
      log[level]({ code }, `hop stream ${event}`)
    },
  }
}
