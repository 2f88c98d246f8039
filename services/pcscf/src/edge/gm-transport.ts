import type { Random } from '@rollcall/core'
import { type DropReason, type ProtectedPacket, type SaBackEnd, UdpEncapsulation } from '@rollcall/esp-net'
import { UdpTransport, type UdpTransportOptions } from '@rollcall/sip-net'
import type { Flow } from './flow.ts'

/** What comes from UEs. */
export interface GmReceiver {
  unprotected(bytes: Buffer, source: { address: string; port: number }): void
  protected(packet: ProtectedPacket): void
  /** A datagram that is none of ours: its reason is a label. */
  dropped(reason: DropReason | 'unprotected-on-protected-port' | 'too-large' | 'port-zero'): void
  socketError(error: Error): void
}

/** `Choice:` an unprotected REGISTER with six offers has some 2.5 kB; what is larger is no REGISTER. */
const UNPROTECTED_BYTES_MAX = 8_192

/** Every way to and from UEs. */
export interface GmTransport extends AsyncDisposable {
  readonly backEnd: SaBackEnd
  /** @throws errors of @rollcall/esp-net and @rollcall/sip-net. */
  send(flow: Flow, bytes: Buffer): void
}

/**
 * Opens the sockets of Gm: one for unprotected SIP, one for encapsulated ESP, and one on port_ps, where nothing that
 * arrives as it stands is ever taken: what is protected comes through the second one.
 *
 * @see TS 33.203 clause 7.1: no unprotected message is accepted on a protected port
 */
export async function openGm(o: {
  readonly sip: { readonly address: string; readonly port: number }
  readonly portPs: number
  readonly encapsulation: { readonly address: string; readonly port: number }
  readonly random: Random
  readonly setsMax: number
  readonly receiver: GmReceiver
}): Promise<GmTransport> {
  const { receiver } = o
  await using opened = new AsyncDisposableStack()
  const common: Pick<UdpTransportOptions, 'onError' | 'onDrop'> = {
    onError: (error) => receiver.socketError(error),
    onDrop: (reason) => receiver.dropped(reason),
  }
  const unprotected = opened.use(await UdpTransport.bind({ ...o.sip, ...common, bytesMax: UNPROTECTED_BYTES_MAX }))
  const bare = opened.use(await UdpTransport.bind({ address: o.sip.address, port: o.portPs, ...common }))
  const backEnd = opened.use(
    await UdpEncapsulation.bind({
      ...o.encapsulation,
      random: o.random,
      setsMax: o.setsMax,
      onPacket: (packet) => receiver.protected(packet),
      onDrop: (reason) => receiver.dropped(reason),
      onSocketError: (error) => receiver.socketError(error),
    }),
  )
  unprotected.onMessage = (bytes, source) => receiver.unprotected(bytes, source)
  // guard: port-ps-protected — on port_ps nothing counts that did not come through ESP (TS 33.203 clause 7.1)
  bare.onMessage = () => receiver.dropped('unprotected-on-protected-port')
  const all = opened.move()
  return {
    backEnd,
    send(flow, bytes) {
      if (flow.kind === 'protected') backEnd.send(flow.setId, bytes)
      else unprotected.send(bytes, flow)
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
