import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Clock, systemClock, systemRandom } from '@rollcall/core'
import { createTrustDomain, issueLeaf, leafFiles } from '@rollcall/pki'
import { type AddressLookup, Resolver } from '../resolver.ts'
import type { SocketAddress } from '../socket-address.ts'
import type { ClosedReason, StreamConnection } from '../stream-connection.ts'
import type { StreamLimits } from '../stream-limits.ts'
import { type RefusedReason, StreamTransport } from '../stream-transport.ts'
import type { TlsMaterial, TlsSource } from '../tls-options.ts'

/** A transport with what it told. */
export interface Bed {
  readonly transport: StreamTransport
  readonly connections: StreamConnection[]
  readonly messages: string[]
  readonly closed: ClosedReason[]
  readonly refused: `${RefusedReason} ${string}`[]
}

export interface BedOptions {
  readonly clock?: Clock
  readonly tls?: TlsSource
  readonly limits?: Partial<StreamLimits>
  readonly lookup?: AddressLookup
  readonly onMessage?: (text: string, connection: StreamConnection) => void
}

export function createBed(t: TestContext, o: BedOptions = {}): Bed {
  const clock = o.clock ?? systemClock
  const bed: Omit<Bed, 'transport'> = { connections: [], messages: [], closed: [], refused: [] }
  const transport = new StreamTransport({
    clock,
    random: systemRandom,
    resolver: new Resolver({ clock, ...(o.lookup ? { lookup: o.lookup } : {}) }),
    ...(o.tls ? { tls: o.tls } : {}),
    ...(o.limits ? { limits: o.limits } : {}),
    onConnection(connection) {
      bed.connections.push(connection)
      connection.onMessage = (bytes) => {
        const text = bytes.toString('latin1')
        bed.messages.push(text)
        o.onMessage?.(text, connection)
      }
      connection.onClosed((reason) => bed.closed.push(reason))
    },
    onRefused: (reason, _remote, detail) => bed.refused.push(`${reason} ${detail}`),
  })
  t.after(() => transport.close())
  return { ...bed, transport }
}

/** A message with this word in it. */
export function message(word: string): Buffer {
  return Buffer.from(`MESSAGE sip:a@b SIP/2.0\r\nSubject: ${word}\r\nContent-Length: 0\r\n\r\n`)
}

/** A socket that a test writes to by hand, with what came on it. */
export async function dialPlain(
  t: TestContext,
  to: SocketAddress,
): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect({ host: to.address, port: to.port })
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, received: () => text }
}

/** Waits until `read` says true. */
export async function until(read: () => boolean, what = String(read), timeoutMs = 5_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!read()) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A trust domain in a temporary folder. */
export interface Pki {
  readonly folder: string
  /** Material of a leaf with these names; it is issued first. */
  leaf(name: string, o?: { dnsNames?: readonly string[]; lifetimeMs?: number }): Promise<TlsMaterial>
}

export async function createPki(t: TestContext): Promise<Pki> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-sip-net-'))
  const trustDomain = 'rollcall.test'
  t.after(() => rm(folder, { recursive: true }))
  await createTrustDomain({ folder, trustDomain, leaves: [] })
  return {
    folder,
    async leaf(name, { dnsNames = [], lifetimeMs } = {}) {
      const leaf = { name, role: 'as', dnsNames }
      await issueLeaf({ folder, trustDomain, leaf, ...(lifetimeMs === undefined ? {} : { lifetimeMs }) })
      const { certFile, keyFile, caFile } = leafFiles(folder, name)
      const [cert, key, ca] = await Promise.all([readFile(certFile), readFile(keyFile), readFile(caFile)])
      return { cert, key, ca }
    },
  }
}
