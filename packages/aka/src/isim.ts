import { timingSafeEqual } from 'node:crypto'
import { assert, Secret } from '@rollcall/core'
import { type AkaKeys, createAkaFunctions } from './aka-functions.ts'
import { InvalidIsimStateError } from './errors.ts'
import { AMF_OCTETS, RAND_OCTETS, SQN_OCTETS, xor } from './milenage.ts'
import { decodeSqn, IND_COUNT, indOf, joinSqn, SEQ_DELTA, SEQ_MAX, seqOf } from './sqn.ts'
import { AUTN_OCTETS, generateAuts } from './vector.ts'

/** What an ISIM remembers: the highest SEQ it accepted for each IND. */
export interface IsimState {
  readonly sqnArray: readonly bigint[]
}

/** What an operator may set in an ISIM (TS 33.102 clause C.2.1 and C.2.2). */
export interface SqnRules {
  /** Delta: how far ahead of the highest SEQ accepted one may be; 2^28 unless given. */
  readonly delta?: bigint
  /** L: how far behind it one may be; without it any, as in the profile of clause C.3.2. */
  readonly ageLimit?: bigint
}

/** What an ISIM says to a challenge. Only `success` changes its state, which is written before the answer is sent. */
export type ChallengeAnswer =
  | {
      readonly kind: 'success'
      readonly res: Secret
      readonly ck: Secret
      readonly ik: Secret
      readonly state: IsimState
    }
  | { readonly kind: 'mac-failure' }
  | { readonly kind: 'sync-failure'; readonly auts: Buffer }

/** The state of an ISIM that has seen no challenge. */
export function newIsimState(): IsimState {
  return { sqnArray: new Array<bigint>(IND_COUNT).fill(0n) }
}

/**
 * The ISIM's side of AKA: checks MAC-A, then SQN, then gives RES, CK and IK.
 *
 * A wrong MAC is never reported as a synchronisation failure, since anyone could provoke that. Pure: the state comes
 * back, it is not changed.
 *
 * @throws AkaKeyLengthError
 * @see TS 33.102 clause 6.3.3 and C.2.2
 */
export function answerChallenge(
  keys: AkaKeys,
  o: { rand: Buffer; autn: Buffer; state: IsimState; rules?: SqnRules },
): ChallengeAnswer {
  assert(o.rand.length === RAND_OCTETS && o.autn.length === AUTN_OCTETS, 'RAND and AUTN have 16 octets')
  const functions = createAkaFunctions(keys, o.rand)
  const sqn = xor(o.autn.subarray(0, SQN_OCTETS), functions.f5())
  const amf = o.autn.subarray(SQN_OCTETS, SQN_OCTETS + AMF_OCTETS)
  const macA = o.autn.subarray(SQN_OCTETS + AMF_OCTETS)
  // guard: autn-mac — a challenge that the AuC did not make is not answered (TS 33.102 clause 6.3.3)
  if (!timingSafeEqual(functions.f1(sqn, amf), macA)) return { kind: 'mac-failure' }

  const state = acceptSqn(o.state, decodeSqn(sqn), o.rules ?? {})
  if (state === undefined) return { kind: 'sync-failure', auts: generateAuts(functions, highestSqn(o.state)) }
  return {
    kind: 'success',
    res: new Secret(functions.f2()),
    ck: new Secret(functions.f3()),
    ik: new Secret(functions.f4()),
    state,
  }
}

/**
 * The state as JSON can hold it: `{ "sqnArray": ["0", "1", …] }`, SEQ values in decimal, since a JSON number would be
 * read back as a float.
 */
export function formatIsimState(state: IsimState): { sqnArray: string[] } {
  return { sqnArray: state.sqnArray.map(String) }
}

/**
 * Reads what `formatIsimState` gave.
 *
 * @throws InvalidIsimStateError also when there are not 32 values: guessing would let an old challenge in.
 */
export function parseIsimState(json: unknown): IsimState {
  if (typeof json !== 'object' || json === null || !('sqnArray' in json) || !Array.isArray(json.sqnArray)) {
    throw new InvalidIsimStateError('sqnArray is missing')
  }
  const values: unknown[] = json.sqnArray
  if (values.length !== IND_COUNT) throw new InvalidIsimStateError(`${values.length} values of ${IND_COUNT}`)
  return { sqnArray: values.map(parseSeq) }
}

function parseSeq(value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,14}$/.test(value)) throw new InvalidIsimStateError('a SEQ is no number')
  const seq = BigInt(value)
  if (seq > SEQ_MAX) throw new InvalidIsimStateError('a SEQ has more than 43 bits')
  return seq
}

/**
 * The state after `sqn`, or nothing when it is too far ahead, too old, or not fresh.
 *
 * @see TS 33.102 clause C.2.1 and C.2.2
 */
function acceptSqn(state: IsimState, sqn: bigint, rules: SqnRules): IsimState | undefined {
  const seq = seqOf(sqn)
  const ind = indOf(sqn)
  const ahead = seq - seqOf(highestSqn(state))
  // guard: autn-sqn-ahead — one far SQN must not use up the ISIM
  if (ahead > (rules.delta ?? SEQ_DELTA)) return undefined
  // guard: autn-sqn-age — where the operator sets L, a vector that lay about for long is refused (TS 33.102 clause C.2.2)
  if (rules.ageLimit !== undefined && -ahead > rules.ageLimit) return undefined
  // guard: autn-sqn — a challenge is answered once
  if (seq <= (state.sqnArray[ind] ?? SEQ_MAX)) return undefined
  return { sqnArray: state.sqnArray.with(ind, seq) }
}

/** SQN_MS: the highest SEQ accepted with its IND. */
function highestSqn(state: IsimState): bigint {
  let ind = 0
  for (let i = 1; i < state.sqnArray.length; i++) {
    if ((state.sqnArray[i] ?? 0n) > (state.sqnArray[ind] ?? 0n)) ind = i
  }
  return joinSqn(state.sqnArray[ind] ?? 0n, ind)
}
