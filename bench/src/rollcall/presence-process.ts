import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestStore } from '@rollcall/dev-env'
import { SERVICE_NODE_FLAGS } from '@rollcall/runtime'
import { DOMAIN, type Endpoint, formatEndpoint, SIP_PORT } from '../addresses.ts'
import { ServerProcess } from '../server-process.ts'

export const REALM = 'ims.example.com'
export const PRESENCE_HOST = `presence.${REALM}`

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MEMORY_PROBE = fileURLToPath(new URL('./memory-probe.ts', import.meta.url))
/** Loading a million of everything takes a while. */
const READY_MS_MAX = 180_000
const PORTS = { grpc: 17_003, probe: 17_103, hss: 17_001, scscf: 17_002 } as const

export interface PresenceProcessOptions {
  readonly store: TestStore
  readonly address: string
  /** Tells replicas apart. */
  readonly replica?: number
  /** Where SIP is taken as it comes; by default at `address`, port 5280. */
  readonly sip?: Endpoint
  /** Where it leaves a CPU profile when it ends. */
  readonly profileFolder?: string
  /** Can `memory` be asked. */
  readonly isMeasured?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Told each line of its log. */
  readonly onLine?: (line: string) => void
}

/** Memory of a Presence Server after a garbage collection, in octets. */
export interface PresenceMemory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

/**
 * A Presence Server as a process of its own, as `npm start` runs it, with plain SIP beside the hop. Each identity is a
 * user whom everybody may watch: the HSS is not asked.
 */
export class PresenceProcess implements AsyncDisposable {
  readonly process: ServerProcess
  readonly sip: Endpoint
  readonly #probe: string

  private constructor(server: ServerProcess, sip: Endpoint, probe: string) {
    this.process = server
    this.sip = sip
    this.#probe = probe
  }

  /** Starts it; it is not ready yet. */
  static spawn(o: PresenceProcessOptions): PresenceProcess {
    const sip = o.sip ?? { address: o.address, port: SIP_PORT }
    const flags = [
      ...SERVICE_NODE_FLAGS,
      ...(o.profileFolder ? ['--cpu-prof', '--cpu-prof-dir', o.profileFolder] : []),
      ...(o.isMeasured ? ['--expose-gc', '--import', MEMORY_PROBE] : []),
      '--disable-warning=ExperimentalWarning',
    ]
    const server = new ServerProcess({
      name: 'the Presence Server',
      command: process.execPath,
      args: [...flags, '--import', '@rollcall/runtime/telemetry', 'services/presence/src/main.ts'],
      options: { cwd: ROOT, env: { ...process.env, ...environment(o, sip), ...o.env } },
      hasChannel: o.isMeasured ?? false,
      ...(o.onLine ? { onLine: o.onLine } : {}),
    })
    return new PresenceProcess(server, sip, `http://${o.address}:${PORTS.probe}`)
  }

  static async start(o: PresenceProcessOptions): Promise<PresenceProcess> {
    const presence = PresenceProcess.spawn(o)
    try {
      await presence.untilReady()
      return presence
    } catch (error) {
      await presence[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Until it serves everything that it is to serve. */
  async untilReady(): Promise<void> {
    await this.process.until(() => this.#isReady(), READY_MS_MAX)
  }

  /** Sum of a metric's series whose line begins with `text`. */
  async metric(text: string): Promise<number> {
    const exposition = await (await fetch(`${this.#probe}/metrics`)).text()
    return exposition
      .split('\n')
      .filter((line) => line.startsWith(text))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Collects garbage and says what is left; of one that `isMeasured`. */
  async memory(): Promise<PresenceMemory> {
    const answered = once(this.process.child, 'message')
    this.process.child.send('memory')
    const [memory] = await answered
    return memory as PresenceMemory
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }

  async #isReady(): Promise<boolean> {
    return (await fetch(`${this.#probe}/readyz`).catch(() => undefined))?.ok === true
  }
}

function environment(o: PresenceProcessOptions, sip: Endpoint): Record<string, string> {
  const { certFile, keyFile, caFile } = o.store.tlsFor('presence')
  return {
    ROLLCALL_REALM: REALM,
    ROLLCALL_REPLICA_NAME: `presence-${o.replica ?? 0}`,
    ROLLCALL_NATS_URL: o.store.url,
    ROLLCALL_TLS_CERT_FILE: certFile,
    ROLLCALL_TLS_KEY_FILE: keyFile,
    ROLLCALL_TLS_CA_FILE: caFile,
    ROLLCALL_GRPC_LISTEN: `${o.address}:${PORTS.grpc}`,
    ROLLCALL_PROBE_LISTEN: `${o.address}:${PORTS.probe}`,
    ROLLCALL_HSS_TARGET: `${o.address}:${PORTS.hss}`,
    ROLLCALL_HOP_ROUTES: `scscf-0.scscf.${REALM}=scscf@${o.address}:${PORTS.scscf}`,
    ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: `udp:${formatEndpoint(sip)}`,
    ROLLCALL_PRESENCE_UNPROTECTED_USERS: 'any',
    ROLLCALL_PRESENCE_UNPROTECTED_USERS_DOMAIN: DOMAIN,
    // The peer has no such limit: each PUBLISH is to be told at once.
    ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: '0',
    ROLLCALL_LOG_LEVEL: 'error',
  }
}
