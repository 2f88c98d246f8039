import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Clock, systemClock, type Timer } from '@rollcall/core'
import { createTrustDomain, issueLeaf, leafFiles } from '@rollcall/pki'
import { createRuntime, loadConfig, type Role, type Runtime, sharedShape, TlsIdentity } from '@rollcall/runtime'
import { ApService, apShape } from '../service.ts'
import { PlayedAs } from './played-as.ts'
import { PlayedBsf } from './played-bsf.ts'
import { PlayedHss } from './played-hss.ts'
import { Revocations } from './revocations.ts'

export const TRUST_DOMAIN = 'rollcall.test'
export const REALM = 'home1.net'
export const XCAP = 'xcap.home1.net'
/** A second NAF on the same proxy. */
export const OTHER = 'as2.home1.net'

export interface ApRuntime extends Runtime {
  /** What it logged, as it stands there. */
  readonly lines: string[]
  metric(series: string): Promise<number>
}

export interface ApStackOptions {
  /** Settings of the proxy beside those that it needs. */
  readonly env?: Readonly<Record<string, string>>
  /** The file of NAFs. */
  readonly nafs?: readonly object[]
  /** Wall time stands still, and moves by `advance`. */
  readonly isClockMoved?: boolean
  /** The authority of UEs has a revocation list. */
  readonly hasRevocations?: boolean
  /** What the proxy does from time to time it does after this. */
  readonly timersMs?: number
}

/** An Authentication Proxy with everything around it played: BSF and HSS over gRPC, the server behind over HTTPS. */
export class ApStack {
  readonly bsf: PlayedBsf
  readonly hss: PlayedHss
  readonly as: PlayedAs
  readonly runtime: ApRuntime
  service: ApService
  readonly folder: string
  /** Authority of the certificates that UEs see. */
  readonly ca: Buffer
  readonly address: string
  readonly #clock: MovedClock | undefined
  readonly #revocations: Revocations | undefined
  readonly #start: () => Promise<ApService>

  private constructor(o: {
    bsf: PlayedBsf
    hss: PlayedHss
    as: PlayedAs
    runtime: ApRuntime
    service: ApService
    folder: string
    ca: Buffer
    address: string
    clock: MovedClock | undefined
    revocations: Revocations | undefined
    start: () => Promise<ApService>
  }) {
    this.bsf = o.bsf
    this.hss = o.hss
    this.as = o.as
    this.runtime = o.runtime
    this.service = o.service
    this.folder = o.folder
    this.ca = o.ca
    this.address = o.address
    this.#clock = o.clock
    this.#revocations = o.revocations
    this.#start = o.start
  }

  static async start(t: TestContext, address: string, o: ApStackOptions = {}): Promise<ApStack> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-ap-'))
    t.after(() => rm(folder, { recursive: true }))
    await createTrustDomain({ folder, trustDomain: TRUST_DOMAIN, leaves: leavesOf() })
    await createTrustDomain({ folder: join(folder, 'ues'), trustDomain: 'ues.test', leaves: [] })
    const bsf = await PlayedBsf.start(t, `${address}:0`, await runtimeOf(t, folder, 'bsf'))
    const hss = await PlayedHss.start(t, `${address}:0`, await runtimeOf(t, folder, 'hss'))
    const as = await PlayedAs.start(t, address, () => runtimeOf(t, folder, 'presence'))
    const clock = o.isClockMoved || o.timersMs !== undefined ? new MovedClock(o.timersMs) : undefined
    const revocations = o.hasRevocations ? await Revocations.create(join(folder, 'ues')) : undefined
    const runtime = await runtimeOf(t, folder, 'ap', clock)
    const nafsFile = join(folder, 'nafs.json')
    if (o.nafs) await writeFile(nafsFile, JSON.stringify({ nafs: o.nafs }))
    const own = leafFiles(folder, 'ap')
    const open = leafFiles(folder, 'public')
    const env = {
      ROLLCALL_REALM: REALM,
      ROLLCALL_NATS_URL: 'tls://127.0.0.1:4222',
      ROLLCALL_TLS_CERT_FILE: own.certFile,
      ROLLCALL_TLS_KEY_FILE: own.keyFile,
      ROLLCALL_TLS_CA_FILE: own.caFile,
      ROLLCALL_GRPC_LISTEN: `${address}:0`,
      ROLLCALL_PROBE_LISTEN: `${address}:0`,
      ROLLCALL_AP_DIGEST_LISTEN: `${address}:0`,
      ROLLCALL_AP_PSK_TLS12_LISTEN: `${address}:0`,
      ROLLCALL_AP_PSK_TLS13_LISTEN: `${address}:0`,
      ROLLCALL_AP_PUBLIC_CERT_FILE: open.certFile,
      ROLLCALL_AP_PUBLIC_KEY_FILE: open.keyFile,
      ROLLCALL_AP_CLIENT_CA_FILE: join(folder, 'ues', 'ca.crt'),
      ROLLCALL_AP_NAF_FQDN: XCAP,
      ROLLCALL_AP_XCAP_TARGETS: as.target,
      ROLLCALL_BSF_TARGET: bsf.target,
      ROLLCALL_HSS_TARGET: hss.target,
      ...(revocations && { ROLLCALL_AP_CLIENT_CRL_FILE: revocations.file }),
      ...(o.nafs && { ROLLCALL_AP_NAFS_FILE: nafsFile }),
      ...o.env,
    }
    const config = loadConfig({ service: 'ap', shape: { ...sharedShape, ...apShape }, env })
    const start = async (): Promise<ApService> => {
      const started = await ApService.create(config, runtime)
      await started.start()
      t.after(() => started.stop())
      return started
    }
    const service = await start()
    return new ApStack({
      start,
      bsf,
      hss,
      as,
      runtime,
      service,
      folder,
      ca: await readFile(open.caFile),
      address,
      clock,
      revocations,
    })
  }

  /** Where UEs come by digest, PSK TLS 1.2 and PSK TLS 1.3. */
  get ports(): { readonly digest: number; readonly psk12: number; readonly psk13: number } {
    const [digest = 0, psk12 = 0, psk13 = 0] = this.service.ports
    return { digest, psk12, psk13 }
  }

  /** A certificate of a UE for `uris`; signed by a stranger when `isForeign`. */
  async ueCertificate(name: string, uris: readonly string[], isForeign = false): Promise<UePair> {
    const folder = join(this.folder, isForeign ? 'strangers' : 'ues')
    if (isForeign) await createTrustDomain({ folder, trustDomain: 'strangers.test', leaves: [] })
    const leaf = { name, dnsNames: [], uris }
    const { certFile, keyFile } = await issueLeaf({ folder, trustDomain: 'ues.test', leaf })
    return { cert: await readFile(certFile), key: await readFile(keyFile), certFile, keyFile }
  }

  /** Ends the proxy and starts it anew: it knows nothing of what was before. */
  async restart(): Promise<void> {
    await this.service.stop()
    this.service = await this.#start()
  }

  get revocations(): Revocations {
    if (this.#revocations === undefined) throw new Error('not set up with revocations')
    return this.#revocations
  }

  /** Wall time of the proxy. */
  now(): number {
    return this.runtime.clock.now()
  }

  advance(ms: number): void {
    this.#clock?.advance(ms)
  }

  refusals(reason: string): Promise<number> {
    return this.runtime.metric(`rollcall_ap_refused_total{reason="${reason}"}`)
  }
}

/** A certificate of a UE with its key, and where they lie. */
export interface UePair {
  readonly cert: Buffer
  readonly key: Buffer
  readonly certFile: string
  readonly keyFile: string
}

/** Timers run as they do, or all after the same time; the wall clock is a test's. */
class MovedClock implements Clock {
  readonly #timersMs: number | undefined
  #nowMs = Date.now()

  constructor(timersMs: number | undefined) {
    this.#timersMs = timersMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return performance.now()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return systemClock.setTimer(this.#timersMs ?? delayMs, callback)
  }

  advance(ms: number): void {
    this.#nowMs += ms
  }
}

function leavesOf(): { name: string; role?: string; dnsNames: string[] }[] {
  const names = [XCAP, OTHER]
  const roles: Role[] = ['bsf', 'hss', 'presence']
  return [
    ...roles.map((role) => ({ name: role, role, dnsNames: [] })),
    { name: 'ap', role: 'ap', dnsNames: names },
    { name: 'public', dnsNames: names },
  ]
}

async function runtimeOf(t: TestContext, folder: string, name: string, clock?: Clock): Promise<ApRuntime> {
  const identity = await TlsIdentity.load({ ...leafFiles(folder, name), trustDomain: TRUST_DOMAIN })
  t.after(() => identity[Symbol.dispose]())
  const lines: string[] = []
  const runtime = createRuntime({
    service: name,
    identity,
    logLevel: 'trace',
    logDestination: { write: (line: string) => void lines.push(line) },
    ...(clock && { clock }),
  })
  t.after(() => runtime.metrics.shutdown())
  return {
    ...runtime,
    lines,
    async metric(series) {
      const text = await runtime.metrics.expose()
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
      return line ? Number(line.slice(series.length + 1)) : 0
    },
  }
}
