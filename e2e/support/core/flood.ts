import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { LocalStack } from '@rollcall/deploy/local/stack.ts'
import { ShServiceService } from '@rollcall/proto-gen/sh'
import {
  createEnvelope,
  createGrpcService,
  createRuntime,
  type GrpcServer,
  type HopResult,
  HopRouter,
  startGrpcServer,
  type TlsIdentity,
} from '@rollcall/runtime'

/** Open load goes out in bursts this far apart. */
const TICK_MS = 5
/** Of one PUBLISH; longer than anything that a server keeps it for. */
const DEADLINE_MS = 20_000

/** What came of what was offered in a while. */
export interface FloodReport {
  readonly seconds: number
  readonly offered: number
  /** Answers by status; `none` for those that got none. */
  readonly answers: ReadonlyMap<number | 'none' | 'full', number>
  /** Of those with 200, in milliseconds, sorted. */
  readonly latenciesMs: readonly number[]
}

/** What is counted while it floods. */
interface Tally {
  offered: number
  readonly answers: Map<number | 'none' | 'full', number>
  readonly latenciesMs: number[]
}

/**
 * Durable PUBLISHes of many presentities straight to the Presence Server, as from an S-CSCF, at any rate: with the
 * messages ready but for their numbers, and the HSS played.
 */
export class Flood implements AsyncDisposable {
  readonly #realm: string
  readonly #identities: readonly TlsIdentity[]
  readonly #hss: GrpcServer
  readonly #hop: HopRouter
  readonly #etags: (string | undefined)[]
  /** Presentities with nothing under way, those that wait longest first. */
  readonly #idle: number[]
  #serial = 0
  #underWay = 0
  #tally: Tally = newTally()
  #onAnswer: () => void = () => {}
  /** 200s that the server did not remember. */
  forgotten = 0

  private constructor(o: {
    realm: string
    identities: readonly TlsIdentity[]
    hss: GrpcServer
    hop: HopRouter
    presentities: number
  }) {
    this.#realm = o.realm
    this.#identities = o.identities
    this.#hss = o.hss
    this.#hop = o.hop
    this.#etags = new Array(o.presentities)
    this.#idle = Array.from({ length: o.presentities }, (_, i) => i)
  }

  /** The stack runs without an HSS. */
  static async start(stack: LocalStack, presentities: number): Promise<Flood> {
    const { realm } = stack.options
    const identities = [await stack.identity('hss'), await stack.identity('scscf')] as const
    const [hssIdentity, scscfIdentity] = identities
    const presencePolicy = { defaultAllow: true, allow: [], block: [] }
    const sh = createGrpcService(ShServiceService, {
      userData: ({ impu }) => ({ found: true, canonicalImpu: impu, impus: [impu], presencePolicy, revision: 1n }),
    })
    const hssRuntime = createRuntime({ service: 'hss', identity: hssIdentity })
    const hss = await startGrpcServer({ listen: stack.grpcTarget('hss'), services: [sh], runtime: hssRuntime })
    const runtime = createRuntime({ service: 'scscf', identity: scscfIdentity })
    const hop = new HopRouter({ routes: stack.hopRoutes.join(','), runtime })
    return new Flood({ realm, identities, hss, hop, presentities })
  }

  /** Keeps `outstanding` PUBLISHes under way for so long, or until there were `operations`. */
  async closed(o: { outstanding: number; seconds?: number; operations?: number }): Promise<FloodReport> {
    const endMs = performance.now() + 1_000 * (o.seconds ?? Number.POSITIVE_INFINITY)
    const most = o.operations ?? Number.POSITIVE_INFINITY
    return await this.#measure(async (tally) => {
      while (performance.now() < endMs && tally.offered < most) {
        while (this.#underWay < o.outstanding && tally.offered < most && this.#publish());
        await new Promise<void>((resolve) => {
          this.#onAnswer = resolve
        })
      }
    })
  }

  /** Offers so many PUBLISHes a second, whatever becomes of those before. */
  async open(o: { rate: number; seconds: number }): Promise<FloodReport> {
    const beginMs = performance.now()
    return await this.#measure(async (tally) => {
      for (;;) {
        const elapsedMs = performance.now() - beginMs
        if (elapsedMs >= 1_000 * o.seconds) return
        const due = Math.floor((elapsedMs / 1_000) * o.rate)
        while (tally.offered < due && this.#publish());
        await delay(TICK_MS)
      }
    })
  }

  /** Waits for what is under way. */
  async settle(): Promise<void> {
    while (this.#underWay > 0) await delay(TICK_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#hop.close(0)
    await this.#hss.stop(0)
    for (const identity of this.#identities) identity[Symbol.dispose]()
  }

  async #measure(work: (tally: Tally) => Promise<void>): Promise<FloodReport> {
    const tally = newTally()
    this.#tally = tally
    const beginMs = performance.now()
    await work(tally)
    const seconds = (performance.now() - beginMs) / 1_000
    this.#tally = newTally()
    return { ...tally, seconds, latenciesMs: tally.latenciesMs.sort((a, b) => a - b) }
  }

  /** Sends one; false when every presentity has one under way. */
  #publish(): boolean {
    const presentity = this.#idle.shift()
    if (presentity === undefined) return false
    const tally = this.#tally
    const serial = ++this.#serial
    const impu = `sip:flood${presentity}@${this.#realm}`
    const branch = `z9hG4bKf${serial}`
    const sip = publish({ realm: this.#realm, impu, serial, branch, etag: this.#etags[presentity] })
    const envelope = createEnvelope({ assertedIdentities: [impu], deadlineMs: DEADLINE_MS })
    const sentMs = performance.now()
    const hear = (result: HopResult): void => this.#heard(presentity, result, sentMs)
    tally.offered += 1
    this.#underWay += 1
    this.#hop.send(`presence.${this.#realm}`, { sip, branch, envelope }, hear, { deadlineMs: DEADLINE_MS })
    return true
  }

  #heard(presentity: number, result: HopResult, sentMs: number): void {
    this.#underWay -= 1
    this.#idle.push(presentity)
    this.#onAnswer()
    const key = result.kind === 'response' ? result.status : result.kind === 'full' ? 'full' : 'none'
    const { answers, latenciesMs } = this.#tally
    answers.set(key, (answers.get(key) ?? 0) + 1)
    if (result.kind !== 'response') return
    if (result.status === 412) {
      this.forgotten += 1
      this.#etags[presentity] = undefined
    }
    if (result.status !== 200) return
    latenciesMs.push(performance.now() - sentMs)
    this.#etags[presentity] = /^SIP-ETag: (\S+)/im.exec(result.sip.toString('latin1'))?.[1]
  }
}

function newTally(): Tally {
  return { offered: 0, answers: new Map(), latenciesMs: [] }
}

function publish(o: { realm: string; impu: string; serial: number; branch: string; etag: string | undefined }): Buffer {
  const { realm, impu, serial } = o
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" ' +
    `entity="${impu}"><tuple id="t1"><status><basic>open</basic></status><note>state ${serial}</note></tuple></presence>`
  return Buffer.from(
    `PUBLISH ${impu} SIP/2.0\r\n` +
      `Via: SIP/2.0/TLS scscf-9.scscf.${realm};branch=${o.branch}\r\n` +
      `Via: SIP/2.0/UDP 127.0.0.1:15060;branch=z9hG4bKu${serial}\r\n` +
      `Route: <sip:presence.${realm};lr>\r\nMax-Forwards: 68\r\nFrom: <${impu}>;tag=f${serial}\r\nTo: <${impu}>\r\n` +
      `Call-ID: flood-${serial}\r\nCSeq: 1 PUBLISH\r\nEvent: presence\r\nExpires: 3600\r\n` +
      (o.etag === undefined ? '' : `SIP-If-Match: ${o.etag}\r\n`) +
      `Content-Type: application/pidf+xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    'latin1',
  )
}
