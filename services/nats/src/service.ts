import { readFile, writeFile } from 'node:fs/promises'
import { Secret } from '@rollcall/core'
import { ConfigError, parseAddressPort } from '@rollcall/runtime'
import { NATS_KEY_VARIABLE, prepareDataFolder, renderNatsConfig } from '@rollcall/store'
import { clusterOf, type NatsConfig } from './config.ts'

/** Go's heap is kept below this, else loading a large store makes it grow to gigabytes (docs/decisions/001). */
const MEMORY_LIMIT = '512MiB'

/** The program that this process becomes. */
export interface NatsProgram {
  readonly file: string
  readonly args: readonly string[]
  /** Added to this process's own environment. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Makes everything ready for a nats-server to start, and gives what to start: its data folder is checked against its key and
 * repaired, its configuration is rendered. Run it before each start, a restart after a crash included.
 *
 * @throws ConfigError, and errors of @rollcall/store when data and key do not belong together.
 */
export async function prepareNatsServer(config: NatsConfig): Promise<NatsProgram> {
  const text = renderConfig(config)
  const key = await readKey(config.ROLLCALL_NATS_ENCRYPTION_KEY_FILE)
  const encryptionKey = new Secret(Buffer.from(key, 'latin1'))
  const removed = await prepareDataFolder({ storeDir: config.ROLLCALL_NATS_STORE_DIR, encryptionKey })
  for (const file of removed) process.stderr.write(`removed an empty block that a kill left behind: ${file}\n`)
  await writeFile(config.ROLLCALL_NATS_CONFIG_FILE, text, { mode: 0o600 })
  return {
    file: config.ROLLCALL_NATS_SERVER,
    args: ['--config', config.ROLLCALL_NATS_CONFIG_FILE],
    env: { [NATS_KEY_VARIABLE]: key, GOMEMLIMIT: process.env.GOMEMLIMIT || MEMORY_LIMIT },
  }
}

/** The configuration of this server. @throws ConfigError */
export function renderConfig(config: NatsConfig): string {
  const listen = addressOf(config.ROLLCALL_NATS_LISTEN)
  const monitor = addressOf(config.ROLLCALL_NATS_MONITOR_LISTEN)
  // guard: nats-monitor-local — the monitor has no TLS and tells accounts and streams to whoever asks
  if (!isLoopback(monitor.address)) {
    const problem = `came as ${JSON.stringify(config.ROLLCALL_NATS_MONITOR_LISTEN)}`
    const allowed = 'a loopback address with a port'
    throw new ConfigError('nats', [
      { name: 'ROLLCALL_NATS_MONITOR_LISTEN', problem, allowed, example: '127.0.0.1:8222' },
    ])
  }
  const cluster = clusterOf(config)
  return renderNatsConfig({
    serverName: config.ROLLCALL_NATS_SERVER_NAME,
    ...listen,
    monitorListen: config.ROLLCALL_NATS_MONITOR_LISTEN,
    storeDir: config.ROLLCALL_NATS_STORE_DIR,
    ...(config.ROLLCALL_NATS_FILE_STORE_BYTES_MAX !== undefined && {
      fileStoreBytesMax: config.ROLLCALL_NATS_FILE_STORE_BYTES_MAX,
    }),
    tls: {
      certFile: config.ROLLCALL_TLS_CERT_FILE,
      keyFile: config.ROLLCALL_TLS_KEY_FILE,
      caFile: config.ROLLCALL_TLS_CA_FILE,
    },
    trustDomain: config.ROLLCALL_TRUST_DOMAIN,
    durability: config.ROLLCALL_NATS_DURABILITY,
    isRestoring: config.ROLLCALL_NATS_RESTORING,
    ...(cluster && { cluster: { ...cluster, port: addressOf(cluster.listen).port } }),
  })
}

async function readKey(file: string): Promise<string> {
  try {
    return (await readFile(file, 'latin1')).trim()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const problem = `names ${file}, which cannot be read (${code})`
    throw new ConfigError('nats', [{ name: 'ROLLCALL_NATS_ENCRYPTION_KEY_FILE', problem }])
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

function addressOf(text: string): { address: string; port: number } {
  const parsed = parseAddressPort(text)
  if (!parsed) throw new Error('assertion failed: the schema lets only ADDRESS:PORT through')
  return parsed
}
