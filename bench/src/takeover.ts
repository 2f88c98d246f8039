import { setTimeout as delay } from 'node:timers/promises'
import { partitionOf } from '@rollcall/store'
import { DOMAIN, GENERATOR_ADDRESS, ROLLCALL_ADDRESSES } from './addresses.ts'
import type { BenchOptions } from './command.ts'
import { printSelfTimes } from './cpu-profile.ts'
import { Generator } from './load/generator.ts'
import { monotonicMs } from './load/work.ts'
import { cpuUs, rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { median, quantile, round } from './report/statistics.ts'
import { loadingMs, PresenceLog } from './rollcall/presence-log.ts'
import { PresenceProcess } from './rollcall/presence-process.ts'
import { BenchStore } from './rollcall/store.ts'
import type { Side } from './side.ts'
import { TemporaryFolder } from './temporary-folder.ts'
import { succeed } from './workloads.ts'

export interface TakeoverScale {
  readonly presentities: number
  readonly watchersEach: number
  /** Presentities that are asked for: enough that all partitions are among them. */
  readonly probes: number
  readonly rounds: number
}

const FULL: TakeoverScale = { presentities: 15_000, watchersEach: 10, probes: 128, rounds: 3 }
const PARTITIONS = 16
const OUTSTANDING = 64
/** A probe is sent again each so often; so exact are the times. */
const PROBE_EACH_MS = 20
/** Watermarks are noted once a second: what was told before is known by then. */
const QUIET_MS = 4_000
/** Nothing was told for so long: nothing comes any more. */
const TOLD_MS = 3_000

/** What one kill cost. */
interface Round {
  /** From the kill to the 2xx, of each probe whose partition was lost. */
  readonly answeredMs: readonly number[]
  readonly unanswered: number
  readonly failures: number
  /** NOTIFYs of probed presentities, how many there should be, and of others. */
  readonly told: number
  readonly toldExpected: number
  readonly toldUntouched: number
  /** How long partitions were being loaded, and how many publications and subscriptions came with them, about. */
  readonly loadingMs: number
  readonly loaded: number
  readonly cpuUs: number
}

/** How long it takes until everything is served after kill -9, by a process that is restarted and by another replica. */
export async function* benchTakeover(o: BenchOptions, scale: TakeoverScale = FULL): AsyncGenerator<BenchRow> {
  // Whoever is killed leaves no profile: it is of the last one, which loads what the others left.
  using profile = o.isProfiled ? new TemporaryFolder('profile') : undefined
  yield await benchCase('restarted', 1, scale, profile?.path)
  if (profile) printSelfTimes('the Presence Server, restarted', profile.path)
  yield await benchCase('lost, a second replica there', 2, scale, undefined)
}

async function benchCase(
  name: string,
  replicas: 1 | 2,
  scale: TakeoverScale,
  profileFolder: string | undefined,
): Promise<BenchRow> {
  await using all = new AsyncDisposableStack()
  const store = all.use(await BenchStore.start(ROLLCALL_ADDRESSES[0], ['presence']))
  const generator = all.use(await Generator.start(GENERATOR_ADDRESS))
  // All is loaded by the first; the second takes its share of it then.
  const victim = all.use(await Replica.start(store, 0, profileFolder))
  await load(victim, generator, scale)
  const survivor = replicas === 1 ? victim : all.use(await Replica.start(store, 1))
  const rounds: Round[] = []
  for (let i = 0; i < scale.rounds; i++) {
    rounds.push(await killOnce(victim, survivor, generator, scale))
    if (victim !== survivor) await victim.restart()
  }
  const rss = { presence: Math.round(rssMb(survivor.pid)), nats: Math.round(rssMb(store.pid)) }
  return rowOfRounds(caseText(name, scale), rounds, rss, survivor.log.snapshotOctets)
}

function caseText(name: string, { presentities, watchersEach }: TakeoverScale): string {
  return `${name}: ${presentities} presentities, ${presentities * watchersEach} subscriptions`
}

async function load(replica: Replica, generator: Generator, scale: TakeoverScale): Promise<void> {
  const side: Side = { name: 'Rollcall', server: replica.sip, generator, processes: {} }
  const common = {
    server: side.server,
    presentities: { first: 0, count: scale.presentities },
    outstanding: OUTSTANDING,
  }
  await succeed(side, { kind: 'publish', ...common, until: { operations: scale.presentities } })
  const subscriptions = scale.presentities * scale.watchersEach
  await succeed(side, { kind: 'subscribe', ...common, until: { operations: subscriptions } })
}

async function killOnce(
  victim: Replica,
  survivor: Replica,
  generator: Generator,
  scale: TakeoverScale,
): Promise<Round> {
  await delay(QUIET_MS)
  const lost = new Set(victim.log.held)
  survivor.log.takeLoads()
  const stride = Math.floor(scale.presentities / scale.probes)
  const presentities = Array.from({ length: scale.probes }, (_, i) => i * stride)
  await generator.run({ kind: 'notified' })
  const killedMs = monotonicMs()
  const usedBefore = victim === survivor ? 0 : cpuUs(survivor.pid)
  await victim.kill()
  if (victim === survivor) victim.spawn()
  const report = await generator.run({
    kind: 'probe',
    server: survivor.sip,
    presentities,
    eachMs: PROBE_EACH_MS,
  })
  const used = cpuUs(survivor.pid) - usedBefore
  if (victim === survivor) await victim.untilReady()
  const told = await allTold(generator)
  const probed = new Set(presentities)
  const sum = (isWanted: (presentity: number) => boolean): number =>
    told.reduce((total, [presentity, notifies]) => (isWanted(presentity) ? total + notifies : total), 0)
  const ofLost = report.answeredMs.filter((_, i) => lost.has(partitionOfPresentity(presentities[i] ?? 0)))
  return {
    answeredMs: ofLost.filter((atMs) => atMs !== null).map((atMs) => atMs - killedMs),
    unanswered: report.answeredMs.filter((atMs) => atMs === null).length,
    failures: Object.values(report.failures).reduce((total, count) => total + count, 0),
    told: sum((presentity) => probed.has(presentity)),
    toldExpected: scale.probes * scale.watchersEach,
    toldUntouched: sum((presentity) => !probed.has(presentity)),
    loadingMs: loadingMs(survivor.log.takeLoads()),
    loaded: Math.round((scale.presentities * (1 + scale.watchersEach) * lost.size) / PARTITIONS),
    cpuUs: used,
  }
}

/** NOTIFYs by presentity, once nothing comes any more. */
async function allTold(generator: Generator): Promise<readonly (readonly [number, number])[]> {
  const all: (readonly [number, number])[] = []
  for (;;) {
    await delay(TOLD_MS)
    const { byPresentity } = await generator.run({ kind: 'notified' })
    if (byPresentity.length === 0) return all
    all.push(...byPresentity)
  }
}

function partitionOfPresentity(presentity: number): number {
  return partitionOf(`sip:u${String(presentity).padStart(8, '0')}@${DOMAIN}`, PARTITIONS)
}

function rowOfRounds(
  text: string,
  rounds: readonly Round[],
  rss: Readonly<Record<string, number>>,
  snapshotOctets: number,
): BenchRow {
  const answeredMs = rounds.flatMap((one) => one.answeredMs).sort((a, b) => a - b)
  const sum = (of: (one: Round) => number): number => rounds.reduce((total, one) => total + of(one), 0)
  const loaded = sum((one) => one.loaded)
  return {
    name: 'takeover',
    case: text,
    // An operation is a publication or a subscription that was loaded.
    ops_per_s: Math.round(median(rounds.map((one) => (one.loaded * 1_000) / one.loadingMs))),
    p50_ms: Math.round(quantile(answeredMs, 0.5)),
    p99_ms: Math.round(quantile(answeredMs, 0.99)),
    cpu_us: { presence: round(sum((one) => one.cpuUs) / loaded, 1) },
    rss_mb: rss,
    more: {
      first_2xx_ms: Math.round(median(rounds.map((one) => Math.min(...one.answeredMs)))),
      all_2xx_ms: Math.round(median(rounds.map((one) => Math.max(...one.answeredMs)))),
      worst_2xx_ms: Math.round(answeredMs.at(-1) ?? Number.NaN),
      unanswered: sum((one) => one.unanswered),
      failed: sum((one) => one.failures),
      told: sum((one) => one.told),
      told_expected: sum((one) => one.toldExpected),
      told_untouched: sum((one) => one.toldUntouched),
      loading_ms: Math.round(median(rounds.map((one) => one.loadingMs))),
      loaded: Math.round(loaded / rounds.length),
      snapshot_mb: round(snapshotOctets / 1e6, 1),
    },
  }
}

/** A Presence Server that is killed and comes again. */
class Replica implements AsyncDisposable {
  readonly log = new PresenceLog()
  readonly #store: BenchStore
  readonly #index: number
  readonly #profileFolder: string | undefined
  #presence: PresenceProcess

  private constructor(store: BenchStore, index: number, profileFolder: string | undefined) {
    this.#store = store
    this.#index = index
    this.#profileFolder = profileFolder
    this.#presence = this.#spawned()
  }

  static async start(store: BenchStore, index: number, profileFolder?: string): Promise<Replica> {
    const replica = new Replica(store, index, profileFolder)
    await replica.untilReady()
    return replica
  }

  get sip() {
    return this.#presence.sip
  }

  get pid(): number {
    return this.#presence.process.pid
  }

  async kill(): Promise<void> {
    await this.#presence.process.kill()
    this.log.restart()
  }

  spawn(): void {
    this.#presence = this.#spawned()
  }

  async untilReady(): Promise<void> {
    await this.#presence.untilReady()
  }

  async restart(): Promise<void> {
    this.spawn()
    await this.untilReady()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#presence[Symbol.asyncDispose]()
  }

  #spawned(): PresenceProcess {
    return PresenceProcess.spawn({
      store: this.#store.store,
      address: ROLLCALL_ADDRESSES[this.#index] ?? '',
      replica: this.#index,
      env: { ROLLCALL_LOG_LEVEL: 'info' },
      onLine: this.log.onLine,
      ...(this.#profileFolder ? { profileFolder: this.#profileFolder } : {}),
    })
  }
}
