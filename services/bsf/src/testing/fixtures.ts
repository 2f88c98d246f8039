import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateVector, newSqnState, nextSqn, resynchronise, type SqnState, verifyAuts } from '@rollcall/aka'
import { Secret, seededRandom, VirtualClock } from '@rollcall/core'
import { defaultGuss, type Guss } from '@rollcall/gba'
import { ChallengeRecord, ContextRecord, TmpiRecord } from '@rollcall/proto-gen/bsf'
import { type AuditEvent, type HttpAnswer, type Metrics, RpcError } from '@rollcall/runtime'
import { createSealingKeys, Sealer } from '@rollcall/store'
import type { BsfContext } from '../context.ts'
import { BsfEvents } from '../events.ts'
import { SealedRecords } from '../records/sealed-records.ts'
import { bootstrap } from '../ub/bootstrapping.ts'
import { UbLimits } from '../ub/limits.ts'
import type { GbaVector } from '../zh/zh-client.ts'
import { MemoryExpiring } from './memory-expiring.ts'
import { UbTerminal } from './ub-terminal.ts'

export const REALM = 'ims.mnc001.mcc001.3gppnetwork.org'
export const BSF = 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org'
export const XCAP = 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org'
export const IMPI = `001010000000001@${REALM}`
export const OTHER_IMPI = `001010000000002@${REALM}`
export const ALICE = `sip:alice@${REALM}`
/** Milenage test set 1 (TS 35.208). */
export const KEYS = {
  k: Secret.fromHex('465b5ce8b199b49faa5f0a2ee238a6bc'),
  opc: Secret.fromHex('cd63cb71954a9f4e48a5994e37a02baf'),
}

/** One key for all: what a test seals no other test opens, since each has a bucket of its own. */
const SEALER = await createSealer()

/** The HSS's half of Zh, with users in memory. */
export class PlayedHss {
  readonly asked: string[] = []
  guss: Guss = defaultGuss([ALICE])
  /** While set, nobody answers. */
  isAway = false
  readonly #random = seededRandom('hss')
  readonly #sqns = new Map<string, SqnState>()

  async multimediaAuth(
    impi: string,
    resync?: { readonly auts: Buffer; readonly rand: Buffer },
  ): Promise<GbaVector | undefined> {
    this.asked.push(impi)
    if (this.isAway) throw new RpcError('RPC_UNAVAILABLE', 'nobody')
    if (impi !== IMPI && impi !== OTHER_IMPI) return undefined
    const before = this.#sqns.get(impi) ?? newSqnState(32n)
    const sqnMs = resync && verifyAuts(KEYS, resync)
    const state = sqnMs === undefined ? before : resynchronise(before, sqnMs).state
    const next = nextSqn(state, 'zh')
    this.#sqns.set(impi, next.state)
    const vector = generateVector(KEYS, { sqn: next.sqn, amf: Buffer.alloc(2), rand: this.#random.bytes(16) })
    return { ...vector, guss: this.guss }
  }
}

/** A BSF without its shell: replicas share store, HSS and clock. */
export class BsfBench {
  readonly clock = new VirtualClock()
  readonly hss = new PlayedHss()
  readonly challenges = new MemoryExpiring(this.clock)
  readonly contexts = new MemoryExpiring(this.clock)
  readonly audited: AuditEvent[] = []
  readonly counted: string[] = []
  readonly sealer = SEALER
  readonly context: BsfContext

  constructor(o: Partial<BsfContext> = {}) {
    this.context = { ...this.replica(), ...o }
  }

  /** Another replica. */
  replica(): BsfContext {
    const counter = (name: string, labels: object = {}) => ({
      add: () => this.counted.push([name.replace(/rollcall_bsf_|_total/g, ''), ...Object.values(labels)].join(' ')),
    })
    const metrics = { counter } as unknown as Metrics
    const { sealer, clock, hss } = this
    const records = {
      challenges: new SealedRecords({ kind: 'challenge', type: ChallengeRecord, bucket: this.challenges, sealer }),
      contexts: new SealedRecords({ kind: 'context', type: ContextRecord, bucket: this.contexts, sealer }),
      tmpis: new SealedRecords({ kind: 'tmpi', type: TmpiRecord, bucket: this.contexts, sealer }),
    }
    return {
      bsfName: BSF,
      keyLifetimeMs: 3_600_000,
      challengeMs: 30_000,
      givesTmpi: true,
      nafs: { knowsImpi: () => false, groupOf: () => '', mayAsk: () => true },
      records: () => records,
      zh: hss,
      limits: new UbLimits(clock, {
        source: { burst: 20, intervalMs: 500 },
        impi: { burst: 10, intervalMs: 6_000 },
        wrongAnswers: { burst: 4, intervalMs: 60_000 },
        contexts: { burst: 8, intervalMs: 450_000 },
        outstandingMax: 4,
      }),
      events: new BsfEvents({ metrics, audit: (event) => this.audited.push(event) }),
      clock,
    }
  }

  /** A request on Ub with this Authorization. */
  async send(
    authorization: string | undefined,
    o: { at?: BsfContext; from?: string; method?: string; target?: string; agent?: string; body?: Buffer } = {},
  ): Promise<HttpAnswer> {
    return await bootstrap(o.at ?? this.context, {
      method: o.method ?? 'GET',
      target: o.target ?? '/',
      headers: { ...(authorization && { authorization }), ...(o.agent && { 'user-agent': o.agent }) },
      body: o.body ?? Buffer.alloc(0),
      remoteAddress: o.from ?? '192.0.2.1',
      traceparent: '',
    })
  }

  /** The 401 of an IMPI that names itself. */
  async challenge(terminal: UbTerminal, o: Parameters<BsfBench['send']>[1] = {}): Promise<string> {
    return challengeIn(await this.send(terminal.first(BSF), o))
  }
}

export function terminal(impi: string = IMPI): UbTerminal {
  return new UbTerminal(impi, KEYS)
}

/** WWW-Authenticate of a 401. */
export function challengeIn({ status, headers }: HttpAnswer): string {
  const value = headers?.['WWW-Authenticate']
  if (status !== 401 || typeof value !== 'string') throw new Error(`no challenge, but ${status}`)
  return value
}

/** A header of an answer. */
export function headerOf({ headers }: HttpAnswer, name: string): string {
  const value = headers?.[name]
  if (typeof value !== 'string') throw new Error(`no ${name}`)
  return value
}

/** A sealer with a fresh key. */
async function createSealer(): Promise<Sealer> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bsf-'))
  try {
    const file = join(folder, 'keys.json')
    writeFileSync(file, createSealingKeys(seededRandom('sealing')), { mode: 0o600 })
    return await Sealer.load(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
