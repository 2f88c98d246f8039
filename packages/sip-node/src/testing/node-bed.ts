import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createTrustDomain, issueLeaf, leafFiles, type PairFiles } from '@rollcall/pki'
import type { Envelope } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  createRuntime,
  type HopResult,
  type HopSendOptions,
  type Runtime,
  TlsIdentity,
} from '@rollcall/runtime'
import {
  createRequest,
  createResponse,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
  topBranch,
} from '@rollcall/sip'
import { SipNode, type SipNodeOptions } from '../node.ts'
import type { NodePeer } from '../peer-table.ts'
import { type NodeSettings, readNodeTable } from '../settings.ts'

export const TRUST_DOMAIN = 'rollcall.test'

/** A request as it came to a service. */
export interface Taken {
  readonly request: SipRequest
  readonly envelope: Envelope
  readonly peer: NodePeer
}

export interface TestNode {
  readonly node: SipNode
  readonly runtime: Runtime
  readonly taken: Taken[]
  /** Log lines, parsed. */
  readonly lines: Record<string, unknown>[]
  /** All series with this text added up. */
  metric(text: string): Promise<number>
  /** Sends a request, and gives what comes of it in the end. */
  send(host: string, request: SipRequest, o?: HopSendOptions): Promise<HopResult>
}

/** A trust domain in a temporary folder, and nodes of it. */
export class NodeBed {
  readonly folder: string
  readonly #t: TestContext

  private constructor(t: TestContext, folder: string) {
    this.#t = t
    this.folder = folder
  }

  static async create(t: TestContext): Promise<NodeBed> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-sip-node-'))
    t.after(() => rm(folder, { recursive: true }))
    await createTrustDomain({ folder, trustDomain: TRUST_DOMAIN, leaves: [] })
    return new NodeBed(t, folder)
  }

  /** Issues a certificate: of `role`, or of names alone when that is undefined. */
  async certificate(
    name: string,
    role: string | undefined,
    dnsNames: readonly string[] = [],
    uris: readonly string[] = [],
  ): Promise<PairFiles & { caFile: string }> {
    const leaf = { name, dnsNames, ...(role === undefined ? {} : { role }), uris }
    await issueLeaf({ folder: this.folder, trustDomain: TRUST_DOMAIN, leaf })
    return leafFiles(this.folder, name)
  }

  /** The certificate, key and authorities of a leaf, for a client by hand. */
  async pem(name: string): Promise<{ cert: Buffer; key: Buffer; ca: Buffer }> {
    const { certFile, keyFile, caFile } = leafFiles(this.folder, name)
    const [cert, key, ca] = await Promise.all([readFile(certFile), readFile(keyFile), readFile(caFile)])
    return { cert, key, ca }
  }

  /** Starts a node of `role` with these settings. It answers what it takes with `status`; undefined: nothing. */
  async start(
    role: string,
    settings: Partial<NodeSettings>,
    o: {
      readonly name?: string
      readonly certificateName?: string
      readonly dnsNames?: readonly string[]
      readonly host?: string
      readonly status?: number | undefined
      readonly answer?: (taken: Taken, reply: (sip: Buffer) => void) => void
    } & Partial<Pick<SipNodeOptions, 'envelopeOf' | 'limits' | 'lookup'>> = {},
  ): Promise<TestNode> {
    const files = await this.certificate(o.name ?? role, role, o.dnsNames)
    const identity = await TlsIdentity.load({ ...files, trustDomain: TRUST_DOMAIN })
    this.#t.after(() => identity[Symbol.dispose]())
    const lines: Record<string, unknown>[] = []
    const runtime = createRuntime({
      service: role,
      identity,
      logLevel: 'debug',
      logDestination: { write: (line: string) => void lines.push(JSON.parse(line)) },
    })
    this.#t.after(() => runtime.metrics.shutdown())
    const none = { tlsListen: undefined, peers: undefined, unprotectedListen: undefined, unprotectedPeers: undefined }
    const table = readNodeTable('scscf', { ...none, protectedElsewhere: undefined, ...settings })
    const taken: Taken[] = []
    const status = 'status' in o ? o.status : 200
    const { envelopeOf, limits, lookup } = o
    const node = new SipNode({
      runtime,
      table,
      host: o.host ?? `${role}.example.org`,
      onRequest: ({ sip, envelope }, peer, reply) => {
        const one = { request: parseMessage(sip) as SipRequest, envelope, peer }
        taken.push(one)
        if (o.answer) o.answer(one, reply)
        else if (status !== undefined) reply(serializeMessage(createResponse(one.request, status, { toTag: 'node' })))
      },
      ...(envelopeOf ? { envelopeOf } : {}),
      ...(limits ? { limits } : {}),
      ...(lookup ? { lookup } : {}),
    })
    this.#t.after(() => node.close(0))
    await node.start()
    return {
      node,
      runtime,
      taken,
      lines,
      async metric(text) {
        const exposition = await runtime.metrics.expose()
        return exposition
          .split('\n')
          .filter((line) => line.startsWith(text))
          .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
      },
      send: (host, message, options) =>
        new Promise((resolve) => {
          const hop = { sip: serializeMessage(message), branch: topBranch(message) ?? '', envelope: createEnvelope() }
          node.sender.send(
            host,
            hop,
            (result) => {
              if (result.kind !== 'response' || result.status >= 200) resolve(result)
            },
            options,
          )
        }),
    }
  }
}

let serial = 0

/** A request as a service gives it to its sender. */
export function request(
  method: string,
  headers: readonly (readonly [string, string])[] = [],
  uri = 'sip:alice@example.org',
): SipRequest {
  const n = ++serial
  return createRequest(method, uri, [
    ['Via', `SIP/2.0/TLS own.example.org;branch=z9hG4bK-test-${n}`],
    ['Via', `SIP/2.0/UDP 127.0.1.1:15060;branch=z9hG4bK-ue-${n}`],
    ['Max-Forwards', '68'],
    ['From', `<sip:bob@example.org>;tag=f${n}`],
    ['To', `<${uri}>`],
    ['Call-ID', `call-${n}`],
    ['CSeq', `${n} ${method}`],
    ...headers,
  ])
}

/** The response of a result that is one. */
export function responseOf(result: HopResult): SipResponse {
  if (result.kind !== 'response') throw new Error(`no response: ${result.kind}`)
  return parseMessage(result.sip) as SipResponse
}

/** Waits until `read` says true. */
export async function until(
  read: () => boolean | Promise<boolean>,
  what = String(read),
  timeoutMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await read())) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
