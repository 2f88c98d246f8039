import { timingSafeEqual } from 'node:crypto'
import { Secret } from '@rollcall/core'
import { type AkaFunctions, type AkaKeys, createAkaFunctions } from './aka-functions.ts'
import { AMF_OCTETS, MAC_OCTETS, RAND_OCTETS, SQN_OCTETS, xor } from './milenage.ts'
import { decodeSqn, encodeSqn } from './sqn.ts'

/** AUTN = (SQN xor AK) || AMF || MAC-A (TS 33.102 clause 6.3.2). */
export const AUTN_OCTETS = SQN_OCTETS + AMF_OCTETS + MAC_OCTETS
/** AUTS = (SQN_MS xor AK*) || MAC-S (TS 33.102 clause 6.3.3). */
export const AUTS_OCTETS = SQN_OCTETS + MAC_OCTETS
/** AMF* is a dummy of zeros in a resynchronisation, whatever the AMF of the challenge (TS 33.102 clause 6.3.3). */
const AMF_STAR = Buffer.alloc(AMF_OCTETS)

/** A quintet: what the AuC hands out for one authentication. */
export interface AuthenticationVector {
  readonly rand: Buffer
  readonly autn: Buffer
  readonly xres: Secret
  readonly ck: Secret
  readonly ik: Secret
}

/**
 * Makes one authentication vector.
 *
 * `rand` is 16 fresh random octets; `amf` 2 octets, whose separation bit (8000) is 0 for IMS (TS 33.102 annex H);
 * `sqn` comes from `nextSqn`. Pure.
 *
 * @throws AkaKeyLengthError
 * @see TS 33.102 clause 6.3.2; src/vectors/milenage.ts, src/vectors/tuak.ts
 */
export function generateVector(keys: AkaKeys, o: { sqn: bigint; amf: Buffer; rand: Buffer }): AuthenticationVector {
  const functions = createAkaFunctions(keys, o.rand)
  const sqn = encodeSqn(o.sqn)
  return {
    rand: o.rand,
    autn: Buffer.concat([xor(sqn, functions.f5()), o.amf, functions.f1(sqn, o.amf)]),
    xres: new Secret(functions.f2()),
    ck: new Secret(functions.f3()),
    ik: new Secret(functions.f4()),
  }
}

/**
 * Reads SQN_MS out of the AUTS with which an ISIM answered `rand`. Gives nothing when MAC-S is wrong or a length is:
 * then the AuC changes nothing.
 *
 * @throws AkaKeyLengthError
 * @see TS 33.102 clause 6.3.5 step 1 and 4
 */
export function verifyAuts(keys: AkaKeys, o: { rand: Buffer; auts: Buffer }): bigint | undefined {
  if (o.rand.length !== RAND_OCTETS || o.auts.length !== AUTS_OCTETS) return undefined
  const functions = createAkaFunctions(keys, o.rand)
  const sqnMs = xor(o.auts.subarray(0, SQN_OCTETS), functions.f5Star())
  const macS = functions.f1Star(sqnMs, AMF_STAR)
  // guard: auts-mac — a forged AUTS moves no sequence number (TS 33.102 clause 6.3.5)
  return timingSafeEqual(macS, o.auts.subarray(SQN_OCTETS)) ? decodeSqn(sqnMs) : undefined
}

/** The AUTS by which an ISIM tells its SQN_MS: the inverse of `verifyAuts`. */
export function generateAuts(functions: AkaFunctions, sqnMs: bigint): Buffer {
  const sqn = encodeSqn(sqnMs)
  return Buffer.concat([xor(sqn, functions.f5Star()), functions.f1Star(sqn, AMF_STAR)])
}
