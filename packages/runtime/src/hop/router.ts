import type { GaugeHandle, Metrics } from '../metrics.ts'
import type { Role } from '../roles.ts'
import type { HopLink } from './link.ts'
import { CLOSE_GRACE_MS, type LinkOptions, linkFactory, targetKey } from './links.ts'
import type { HopRequest, HopSendOptions } from './pending.ts'
import type { HopResult } from './result.ts'
import { parseHopRoutes } from './routes.ts'
import { HopTargets } from './targets.ts'

/**
 * The sending side of the hop: finds the next node by its host in a static table and keeps a stream to each of its
 * targets.
 *
 * There is no transaction layer here: what a lost stream has not answered is sent once more, so the same request may
 * arrive twice, with the same branch.
 */
export class HopRouter implements AsyncDisposable {
  readonly #links = new Map<string, HopLink>()
  readonly #byHost = new Map<string, HopTargets>()
  readonly #metrics: Metrics
  readonly #gauges: GaugeHandle[] = []

  /**
   * @param o.routes `HOST=ROLE@HOST:PORT,…`; a host with several targets has them with `|` between.
   * @throws ConfigError when `routes` is malformed.
   */
  constructor(o: LinkOptions & { readonly routes: string }) {
    const { metrics } = o.runtime
    this.#metrics = metrics
    const create = linkFactory(o)
    const linksOf = new Map<Role, HopLink[]>()
    for (const { host, role, targets } of parseHopRoutes(o.routes)) {
      const links = targets.map((target) => {
        const key = targetKey({ target, role })
        const known = this.#links.get(key)
        if (known) return known
        const link = create({ target, role })
        this.#links.set(key, link)
        linksOf.set(role, [...(linksOf.get(role) ?? []), link])
        return link
      })
      this.#byHost.set(host, new HopTargets(links))
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

  /** Whether a stream to a target of `host` is open now. A host that was never used has none. */
  isConnected(host: string): boolean {
    return this.#byHost.get(host.toLowerCase())?.isConnected ?? false
  }

  /**
   * Sends a request to the node that `host` names: to one of its targets that is there, in rotation. When its stream is
   * lost, or the target says that it does not serve this (`misdirected`), the request goes once more, with the same
   * branch, to another target that is there; without another it waits some seconds for the same one. `on` hears of
   * provisional responses, if any, and of one end; never before `send` returns.
   *
   * The octets of `request.sip` must not be changed afterwards: they may go out twice.
   */
  send(host: string, request: HopRequest, on: (result: HopResult) => void, o: HopSendOptions = {}): void {
    const targets = this.#byHost.get(host.toLowerCase())
    if (targets) {
      targets.send(request, on, o)
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
