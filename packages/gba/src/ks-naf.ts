import { createHmac } from 'node:crypto'
import { assert, Secret } from '@rollcall/core'
import { nafId, TMPI_UA_PROTOCOL } from './naf-id.ts'

/** What tells the key of the ME from that of the UICC (TS 33.220 annex B.3). */
export type KsNafLabel = 'gba-me' | 'gba-u'

/** What a bootstrapping gave, and whose it is. */
export interface BootstrappedKey {
  /** CK‖IK, 32 octets. */
  readonly ks: Secret
  /** 16 octets. */
  readonly rand: Buffer
  /** The real one, also when the UE called itself by a TMPI. */
  readonly impi: string
}

/** TS 33.220 annex B.2: the FC of every derivation here. */
const FC = 0x01
const KS_OCTETS = 32
const RAND_OCTETS = 16
/** TEMP is the leftmost 192 bits (TS 33.220 annex B.4). */
const TMPI_OCTETS = 24
const TMPI_DOMAIN = '@tmpi.bsf.3gppnetwork.org'

/**
 * Derives Ks_NAF (`gba-me`: Ks_(ext_)NAF; `gba-u`: Ks_int_NAF), the key that a UE shares with one NAF under one Ua security
 * protocol. 32 octets. Pure.
 *
 * @see TS 33.220 clause 4.5.2 and annex B.3; src/vectors/gba.ts says where each vector comes from
 */
export function ksNaf(
  o: BootstrappedKey & {
    /** What `nafId` gives. */
    readonly nafId: Buffer
    readonly label?: KsNafLabel
  },
): Secret {
  return new Secret(derive(o, o.label ?? 'gba-me', o.nafId))
}

/**
 * The temporary name by which a UE may call itself in its next bootstrapping, so that its IMPI goes over the air once.
 *
 * @see TS 33.220 annex B.4
 */
export function tmpiOf(o: BootstrappedKey & { readonly bsfName: string }): string {
  const octets = derive(o, 'gba-me', nafId(o.bsfName, TMPI_UA_PROTOCOL))
  return octets.subarray(0, TMPI_OCTETS).toString('base64') + TMPI_DOMAIN
}

/** Whether a username is a TMPI: by its domain, which no IMPI has. */
export function isTmpi(username: string): boolean {
  return username.toLowerCase().endsWith(TMPI_DOMAIN)
}

/** TS 33.220 annex B.2: S = FC ‖ P0 ‖ L0 ‖ P1 ‖ L1 ‖ P2 ‖ L2 ‖ P3 ‖ L3. */
function derive({ ks, rand, impi }: BootstrappedKey, label: KsNafLabel, id: Buffer): Buffer {
  assert(ks.length === KS_OCTETS && rand.length === RAND_OCTETS, 'Ks has 32 octets and RAND 16')
  const mac = createHmac('sha256', ks.reveal()).update(Buffer.of(FC))
  // Annex B.2.1.2: text is normalised, so that both ends count the same octets.
  for (const parameter of [Buffer.from(label), rand, Buffer.from(impi.normalize('NFKC'), 'utf8'), id]) {
    mac.update(parameter).update(Buffer.of(parameter.length >> 8, parameter.length & 0xff))
  }
  return mac.digest()
}
