/**
 * What an attacker does, for tests and for the story: never for a UE that means well.
 */

import { createSocket, type Socket } from 'node:dgram'
import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type Impu, Secret, systemRandom } from '@rollcall/core'
import {
  createRequest,
  newBranch,
  newCallId,
  newTag,
  parseMessage,
  type SipResponse,
  serializeMessage,
} from '@rollcall/sip'
import type { Endpoint } from './endpoint.ts'
import { RegistrationRefusedError } from './errors.ts'
import { internalsOf } from './internals.ts'
import { newCallNames } from './presence/agent.ts'
import type { Ue } from './ue.ts'

/** How a refusal read. */
export interface Answer {
  readonly status: number
  readonly reason: string
}

/**
 * Registers, or registers again, with a RES that is wrong in one bit, while CK and IK are right: the answer goes through
 * the SAs, and only the S-CSCF can find the fault. Gives the refusal; nothing when the network let it pass.
 *
 * @see TS 33.203 clause 6.1.2.1
 */
export async function registerWithWrongRes(ue: Ue): Promise<Answer | undefined> {
  try {
    await internalsOf(ue).register({ alterRes: flipOneBit })
    return undefined
  } catch (error) {
    if (error instanceof RegistrationRefusedError) return { status: error.status, reason: error.reason }
    throw error
  }
}

/**
 * Sends a request through the UE's own SAs in another's name: From and P-Preferred-Identity say `claimed`. Gives the
 * final answer.
 */
export async function requestInAnothersName(
  ue: Ue,
  o: {
    readonly method: 'PUBLISH' | 'SUBSCRIBE'
    readonly uri: Impu
    readonly claimed: Impu
    readonly eventPackage: string
    readonly body?: { readonly contentType: string; readonly octets: Buffer }
  },
): Promise<Answer> {
  const { agent } = internalsOf(ue)
  const names = newCallNames(agent.random)
  const request = createRequest(
    o.method,
    o.uri,
    [
      ['Max-Forwards', '70'],
      ['From', `<${o.claimed}>;tag=${names.fromTag}`],
      ['To', `<${o.uri}>`],
      ['Call-ID', names.callId],
      ['CSeq', `1 ${o.method}`],
      ['P-Preferred-Identity', `<${o.claimed}>`],
      ['Event', o.eventPackage],
      ['Expires', '600'],
      ...(o.method === 'SUBSCRIBE' ? [['Contact', agent.contact] as const] : []),
      ...(o.body ? [['Content-Type', o.body.contentType] as const] : []),
    ],
    o.body?.octets,
  )
  const { status, reason } = await agent.send(request, { isInitial: true })
  return { status, reason }
}

/**
 * Sends a SUBSCRIBE outside of any SA from a socket of the attacker's own, in the name of `claimed`. Gives the answer;
 * nothing when none came within `waitMs`.
 */
export async function sendForgedSubscribe(o: {
  readonly fromAddress: string
  readonly to: Endpoint
  readonly presentity: Impu
  readonly claimed: Impu
  readonly waitMs: number
}): Promise<Answer | undefined> {
  const socket = await openSocket(o.fromAddress)
  try {
    const { address, port } = socket.address()
    const random = systemRandom
    const request = createRequest('SUBSCRIBE', o.presentity, [
      ['Via', `SIP/2.0/UDP ${address}:${port};branch=${newBranch(random)};rport`],
      ['Max-Forwards', '70'],
      ['From', `<${o.claimed}>;tag=${newTag(random)}`],
      ['To', `<${o.presentity}>`],
      ['Call-ID', newCallId(random)],
      ['CSeq', '1 SUBSCRIBE'],
      ['Contact', `<sip:attacker@${address}:${port}>`],
      ['P-Asserted-Identity', `<${o.claimed}>`],
      ['Event', 'presence'],
      ['Expires', '600'],
    ])
    await send(socket, serializeMessage(request), o.to)
    const response = await firstResponse(socket, o.waitMs)
    return response && { status: response.status, reason: response.reason }
  } finally {
    socket.close()
  }
}

/** Sends octets as they are from a socket of the attacker's own: a packet that was overheard, once more. */
export async function sendOctets(o: { fromAddress: string; to: Endpoint; octets: Buffer }): Promise<void> {
  const socket = await openSocket(o.fromAddress)
  try {
    await send(socket, o.octets, o.to)
  } finally {
    socket.close()
  }
}

/**
 * Overhears what UEs of this process send from one address and port. It must be there before the UE is opened, since it
 * learns of sockets as they are made, by Node's own diagnostics channel: no UE has a door for it.
 */
export class Wiretap implements Disposable {
  readonly #local: Endpoint
  #last: Buffer | undefined
  readonly #onSocket = (message: unknown): void => this.#tap((message as { socket: Socket }).socket)

  /** @param local address and port that is listened in on, such as a UE's encapsulation socket. */
  constructor(local: Endpoint) {
    this.#local = local
    diagnosticsChannel.subscribe('udp.socket', this.#onSocket)
  }

  /** The last datagram that left. */
  get lastPacket(): Buffer | undefined {
    return this.#last
  }

  [Symbol.dispose](): void {
    diagnosticsChannel.unsubscribe('udp.socket', this.#onSocket)
  }

  #tap(socket: Socket): void {
    socket.send = new Proxy(socket.send, {
      apply: (target, self: Socket, args: unknown[]) => {
        this.#hear(self, args[0])
        return Reflect.apply(target, self, args)
      },
    })
  }

  #hear(socket: Socket, message: unknown): void {
    const { address, port } = socket.address()
    if (address === this.#local.address && port === this.#local.port && message instanceof Uint8Array) {
      this.#last = Buffer.from(message)
    }
  }
}

function flipOneBit(res: Secret): Secret {
  const octets = Buffer.from(res.reveal())
  octets.writeUInt8(octets.readUInt8(0) ^ 1, 0)
  return new Secret(octets)
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind({ address, port: 0 })
  await once(socket, 'listening')
  return socket
}

function send(socket: Socket, octets: Buffer, to: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(octets, to.port, to.address, (error) => (error ? reject(error) : resolve()))
  })
}

function firstResponse(socket: Socket, waitMs: number): Promise<SipResponse | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), waitMs)
    socket.on('message', (octets) => {
      const message = parseMessage(octets)
      if (message.kind !== 'response' || message.status < 200) return
      clearTimeout(timer)
      resolve(message)
    })
  })
}
