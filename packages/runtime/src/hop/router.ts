import type { Envelope } from '@rollcall/proto-gen/hop'
import type { Logger } from '../log.ts'
import type { GaugeHandle, Metrics } from '../metrics.ts'
import type { Role } from '../roles.ts'
import type { Runtime } from '../runtime.ts'
import { type HopLimits, HopLink, type HopResult, type LinkEvents } from './link.ts'
import { parseHopRoutes } from './routes.ts'
import { createStreamOpener, type StreamOpener } from './stream.ts'

/** 64*T1 with the default T1: Timer F, after which the edge has given up (RFC 3261 section 17.1.2.2). */
const DEADLINE_MS = 32_000
/** Some 4 MB of requests to a peer that is slow or not there yet; more is answered 503 by the edge. */
const QUEUE_MESSAGES_MAX = 4_096
/** A second's worth at twice the rate that one process reaches. */
const PENDING_MAX = 32_768
/** How long `close` waits for responses. */
const CLOSE_GRACE_MS = 2_000

/** A request for the hop. `branch` is that of its topmost Via, which is the sender's own. */
export interface HopRequest {
  readonly sip: Buffer
  readonly branch: string
  readonly envelope: Envelope
}

/**
 * The sending side of the hop: finds the next node by its host in a static table and keeps a stream to each.
 *
 * There is no transaction layer here: a stream that is lost sends once more what is unanswered, so the same request may
 * arrive twice, with the same branch.
 */
export class HopRouter implements AsyncDisposable {
  readonly #links = new Map<string, HopLink>()
  readonly #byHost = new Map<string, HopLink>()
  readonly #metrics: Metrics
  readonly #gauges: GaugeHandle[] = []

  /**
   * @param o.routes `HOST=ROLE@HOST:PORT,…`
   * @param o.openStream for tests: streams that are no gRPC.
   * @throws ConfigError when `routes` is malformed.
   */
  constructor(o: {
    routes: string
    runtime: Pick<Runtime, 'identity' | 'clock' | 'random' | 'metrics' | 'log'>
    queueMessagesMax?: number
    pendingMax?: number
    openStream?: (o: { target: string; role: Role }) => StreamOpener
  }) {
    const { identity, clock, random, metrics, log } = o.runtime
    this.#metrics = metrics
    const openStream = o.openStream ?? ((to) => createStreamOpener({ ...to, identity }))
    const limits: HopLimits = {
      queueMessagesMax: o.queueMessagesMax ?? QUEUE_MESSAGES_MAX,
      pendingMax: o.pendingMax ?? PENDING_MAX,
    }
    const linksOf = new Map<Role, HopLink[]>()
    for (const { host, role, target } of parseHopRoutes(o.routes)) {
      const key = `${role}@${target}`
      let link = this.#links.get(key)
      if (!link) {
        const events = linkEvents(metrics, role, log.child({ peer: role, target }))
        link = new HopLink({ opener: openStream({ target, role }), clock, random, limits, events })
        this.#links.set(key, link)
        linksOf.set(role, [...(linksOf.get(role) ?? []), link])
      }
      this.#byHost.set(host, link)
    }
    for (const [role, links] of linksOf) {
      const pending = (): number => links.reduce((sum, link) => sum + link.pending, 0)
      this.#gauges.push(metrics.gauge('rollcall_hop_pending', { peer: role }, pending))
    }
  }

  /** Whether `host`, a name without port, is in the table. */
  has(host: string): boolean {
    return this.#byHost.has(host.toLowerCase())
  }

  /** Whether a stream to `host` is open now. One that was never used is not. */
  isConnected(host: string): boolean {
    return this.#byHost.get(host.toLowerCase())?.isConnected ?? false
  }

  /**
   * Sends a request to the node that `host` names. `on` hears of provisional responses, if any, and of one end; never
   * before `send` returns.
   *
   * The octets of `request.sip` must not be changed afterwards: they may go out twice.
   */
  send(host: string, request: HopRequest, on: (result: HopResult) => void, o: { deadlineMs?: number } = {}): void {
    const link = this.#byHost.get(host.toLowerCase())
    if (link) {
      link.send(request, o.deadlineMs ?? DEADLINE_MS, on)
      return
    }
    this.#metrics.counter('rollcall_hop_outcomes_total', { peer: 'none', outcome: 'no-route' }).add()
    process.nextTick(on, { kind: 'no-route' })
  }

  /** Takes nothing new, gives what is under way `graceMs`, and ends the streams. */
  async close(graceMs: number = CLOSE_GRACE_MS): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.close(graceMs)))
    for (const gauge of this.#gauges) gauge.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
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
