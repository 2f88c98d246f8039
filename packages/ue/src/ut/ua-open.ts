import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { Random } from '@rollcall/core'
import {
  HTTP_DIGEST_UA_PROTOCOL,
  ksNaf,
  nafId,
  PSK_IDENTITY_HINT,
  pskIdentityOf,
  TLS13_PSK_UA_PROTOCOL,
  uaProtocolOfSuiteName,
} from '@rollcall/gba'
import type { BootstrappedSession } from './bootstrapping.ts'
import { UtPeerNotAuthenticError } from './errors.ts'
import type { UtPlaces } from './places.ts'
import type { UtSettings } from './settings.ts'
import { openTls, PinnedAgent, type UaConnection } from './ua-connection.ts'
import { UaDigest, type UaKey } from './ua-digest.ts'

export interface UaOpenOptions {
  readonly places: UtPlaces
  readonly settings: UtSettings
  readonly random: Random
}

/** One suite for PSK: the key depends on it, and is asked for before anybody can say which one was chosen. */
const PSK_SUITES = {
  'psk-tls12': { ciphers: 'PSK-AES128-GCM-SHA256', name: 'TLS_PSK_WITH_AES_128_GCM_SHA256', version: 'TLSv1.2' },
  'psk-tls13': { ciphers: 'TLS_AES_128_GCM_SHA256', name: undefined, version: 'TLSv1.3' },
} as const

/**
 * Opens a connection for the digest inside of TLS: the NAF proves itself by its certificate.
 *
 * @throws UtUnreachableError also when its certificate is not that of the NAF.
 * @see TS 33.222 clause 5.3, TS 24.109 clause 5.3.2
 */
export async function openForDigest({ places, settings, random }: UaOpenOptions): Promise<UaConnection> {
  const socket = await openTls(
    {
      ...whereTo(places, settings),
      maxVersion: settings.tlsVersionMax,
      ...(places.authorities && { ca: places.authorities }),
    },
    timing(places, settings),
  )
  return { socket, agent: new PinnedAgent(socket), digest: new UaDigest(places.naf.name, random), btid: undefined }
}

/**
 * Opens a connection by PSK-TLS with Ks_NAF itself.
 *
 * @throws UtUnreachableError also when the NAF does not know the key; UtPeerNotAuthenticError when it did not use it.
 * @see TS 33.222 clause 5.4, TS 24.109 clause 5.3.3
 */
export async function openWithPsk(o: UaOpenOptions, session: BootstrappedSession): Promise<UaConnection> {
  const { places, settings } = o
  const access = settings.access === 'psk-tls13' ? 'psk-tls13' : 'psk-tls12'
  const { ciphers, name, version } = PSK_SUITES[access]
  const protocol = name === undefined ? TLS13_PSK_UA_PROTOCOL : uaProtocolOfSuiteName(name)
  const key = ksNaf({ ...session, nafId: nafId(places.naf.name, protocol), label: 'gba-me' })
  const socket = await openTls(
    {
      ...whereTo(places, settings),
      ciphers,
      maxVersion: version,
      minVersion: version,
      // The key proves the NAF, there is no certificate. A NAF whose hint is not of GBA gets nothing.
      pskCallback: (hint) =>
        hint === null || hint.includes(PSK_IDENTITY_HINT)
          ? { psk: key.reveal(), identity: pskIdentityOf(session.btid) }
          : null,
      checkServerIdentity: () => undefined,
      ...(places.authorities && { ca: places.authorities }),
    },
    timing(places, settings),
  )
  // guard: ua-psk-used — a NAF that came in by a certificate has not shown the key (TS 33.222 clause 5.4)
  if (!provedByKey(socket, access)) throw refuse(socket, places)
  return { socket, agent: new PinnedAgent(socket), digest: undefined, btid: session.btid }
}

/**
 * The key that the digest on this connection takes: under the identifier of its cipher suite, or the older one.
 *
 * @see TS 33.220 clause 4.5.2 and annexes B.3 and H.3
 */
export function digestKeyOf(socket: TLSSocket, session: BootstrappedSession, o: UaOpenOptions): UaKey {
  const isOlder = o.settings.uaProtocol === 'http-digest'
  const protocol = isOlder ? HTTP_DIGEST_UA_PROTOCOL : uaProtocolOfSuiteName(socket.getCipher().standardName)
  return {
    btid: session.btid,
    ksNaf: ksNaf({ ...session, nafId: nafId(o.places.naf.name, protocol), label: 'gba-me' }),
  }
}

function whereTo({ naf }: UtPlaces, { ap }: UtSettings): ConnectionOptions {
  return { host: ap?.address ?? naf.host, port: ap?.port ?? naf.port, servername: naf.name, minVersion: 'TLSv1.2' }
}

function timing({ naf }: UtPlaces, { timeoutMs }: UtSettings): { place: string; timeoutMs: number } {
  return { place: naf.name, timeoutMs }
}

/** In TLS 1.3 a handshake with a PSK looks like one that is resumed, and with one that is not there is a certificate. */
function provedByKey(socket: TLSSocket, access: keyof typeof PSK_SUITES): boolean {
  if (access === 'psk-tls13') return socket.isSessionReused()
  return socket.getCipher().standardName === PSK_SUITES['psk-tls12'].name
}

function refuse(socket: TLSSocket, { naf }: UtPlaces): UtPeerNotAuthenticError {
  socket.destroy()
  return new UtPeerNotAuthenticError(`${naf.name} did not use the key`)
}
