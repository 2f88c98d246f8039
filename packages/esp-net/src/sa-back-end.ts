import type { SaSetParameters } from '@rollcall/esp'

/** Why a packet was dropped: the label of a counter. */
export type DropReason = 'unknown-spi' | 'integrity' | 'replay' | 'malformed' | 'selector' | 'not-esp' | 'too-large'

/** A message that came through an SA. It is from the other end of `setId`, whatever its headers say. */
export interface ProtectedPacket {
  readonly setId: string
  /** The other end's protected port. */
  readonly sourcePort: number
  /** Our own protected port. */
  readonly destinationPort: number
  readonly payload: Buffer
}

/**
 * Whatever carries SIP in SAs: user space ESP here, the kernel's elsewhere. Sets are installed as one of their ends sees
 * them.
 *
 * @see TS 33.203 clause 7.1
 */
export interface SaBackEnd extends AsyncDisposable {
  /** The mode of the security agreement that this back end serves (TS 33.203 annex H). */
  readonly mode: 'UDP-enc-tun' | 'trans'
  /**
   * Puts a set into use. A set that is there already, the same in everything, goes on undisturbed.
   *
   * @throws SpiInUseError, SaSetMismatchError, SaSetsFullError, and InvalidSaSetError of @rollcall/esp; then nothing of
   * the set is installed.
   */
  install(set: SaSetParameters): void | Promise<void>
  /** Takes a set out of use; does nothing when it is not there. */
  remove(setId: string): void | Promise<void>
  /**
   * Sends a message from the local client port to the other end's server port: over UDP requests and responses go the
   * same way (TS 33.203 clause 7.1, case UDP).
   *
   * @throws SaUnknownError, PacketTooLargeError, OuterAddressUnknownError, and SequenceExhaustedError of @rollcall/esp.
   */
  send(setId: string, payload: Buffer): void
}
