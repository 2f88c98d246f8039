import { fileURLToPath } from 'node:url'
import { type Endpoint, formatEndpoint, KAMAILIO_PORTS, PEER_ADDRESS } from '../addresses.ts'
import { ServerProcess } from '../server-process.ts'
import { answersSip } from '../sip-ping.ts'
import { KAMAILIO } from './packages.ts'
import type { Postgres } from './postgres.ts'

/** See kamailio.cfg. */
export type KamailioMode = keyof typeof KAMAILIO_PORTS

const CONFIG = fileURLToPath(new URL('../../peer/kamailio.cfg', import.meta.url))
const READY_MS_MAX = 20_000
/** Shared and private memory, in megabytes: enough for a million of everything. */
const MEMORY = ['-m', '2048', '-M', '16']

/** Debian's Kamailio as a presence server. */
export class Kamailio implements AsyncDisposable {
  readonly process: ServerProcess
  readonly endpoint: Endpoint

  private constructor(server: ServerProcess, endpoint: Endpoint) {
    this.process = server
    this.endpoint = endpoint
  }

  static async start(mode: KamailioMode, postgres: Postgres): Promise<Kamailio> {
    const endpoint = { address: PEER_ADDRESS, port: KAMAILIO_PORTS[mode] }
    const name = mode.replace('-', '_')
    const server = new ServerProcess({
      name: `Kamailio (${mode})`,
      command: KAMAILIO,
      // -DD: its first process stays in the foreground.
      args: [
        '-DD',
        '-E',
        '-f',
        CONFIG,
        ...MEMORY,
        '-A',
        `BENCH_LISTEN=${formatEndpoint(endpoint)}`,
        '-A',
        `MODE_${name.toUpperCase()}`,
      ],
      options: { env: { ...process.env, BENCH_DATABASE_URL: await postgres.createKamailioDatabase(name) } },
    })
    const kamailio = new Kamailio(server, endpoint)
    try {
      await server.until(() => answersSip(endpoint), READY_MS_MAX)
      return kamailio
    } catch (error) {
      await kamailio[Symbol.asyncDispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}
