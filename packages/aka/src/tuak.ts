import { assert, Secret } from '@rollcall/core'
import type { AkaFunctions } from './aka-functions.ts'
import { AkaKeyLengthError } from './errors.ts'
import { KECCAK_STATE_OCTETS, keccakF1600 } from './keccak.ts'
import { AMF_OCTETS, RAND_OCTETS, SQN_OCTETS } from './milenage.ts'

/** TOP and TOPc (TS 35.231 clause 5). */
const TOPC_OCTETS = 32
/** K has 128 or 256 bits (TS 35.231 clause 5). */
const K_OCTETS = [16, 32]

/** A subscriber's key, the operator's variant constant bound to it, and how the operator uses TUAK. */
export interface TuakKeys {
  readonly k: Secret
  readonly topc: Secret
  /** What AKA uses when it is absent: `AKA_TUAK_PARAMETERS`. */
  readonly parameters?: TuakParameters
}

/** What TUAK leaves to the operator (TS 35.231 clause 5.1). */
export interface TuakParameters {
  readonly macOctets: 8 | 16 | 32
  readonly resOctets: 4 | 8 | 16 | 32
  readonly ckOctets: 16 | 32
  readonly ikOctets: 16 | 32
  /** How often the permutation is applied. */
  readonly iterations: number
}

/**
 * MAC, CK and IK as TS 33.102 clause 6.3.7 fixes them. `Choice:` RES has 128 bits, the most that it allows, and one
 * permutation, the default of TS 35.231 clause 5.1; USIM and AuC must agree in both.
 */
export const AKA_TUAK_PARAMETERS: TuakParameters = {
  macOctets: 8,
  resOctets: 16,
  ckOctets: 16,
  ikOctets: 16,
  iterations: 1,
}

/** Where the fields stand in the input of the permutation, and where they come out (TS 35.231 clause 7). */
const AT = { top: 0, instance: 32, algoname: 33, rand: 40, amf: 56, sqn: 58, key: 64, padding: 96, paddingEnd: 135 }
const OUT = { first: 0, ck: 32, ik: 64, ak: 96 }
const ALGONAME = Buffer.from('TUAK1.0', 'latin1')

/** Bits of INSTANCE: the function, the length of MAC or RES, and whether CK, IK and K have 256 bits (TS 35.231 clause 7). */
const INSTANCE = { f1: 0x00, f1Star: 0x80, f2345: 0x40, f5Star: 0xc0, ck256: 0x04, ik256: 0x02, k256: 0x01 } as const
const INSTANCE_LENGTH = { 4: 0x00, 8: 0x08, 16: 0x10, 32: 0x20 } as const

/** Fields of one call; what is absent is zero. */
interface Fields {
  readonly top: Secret
  readonly instance: number
  readonly rand?: Buffer
  readonly amf?: Buffer
  readonly sqn?: Buffer
}

/**
 * Derives TOPc from the operator's TOP.
 *
 * @throws AkaKeyLengthError
 * @see TS 35.231 clause 7.1; src/vectors/tuak.ts
 */
export function deriveTopc(k: Secret, top: Secret, iterations = AKA_TUAK_PARAMETERS.iterations): Secret {
  if (top.length !== TOPC_OCTETS) throw new AkaKeyLengthError('TOP', top.length)
  return new Secret(permute(k, { top, instance: 0 }, iterations).out(OUT.first, TOPC_OCTETS))
}

/**
 * The TUAK functions of one subscriber for one RAND.
 *
 * @see TS 35.231 clause 7.2 to 7.5; src/vectors/tuak.ts
 */
export class Tuak implements AkaFunctions {
  readonly #keys: TuakKeys
  readonly #parameters: TuakParameters
  readonly #rand: Buffer
  /** The output of f2 to f5, when one of them has been asked for. */
  #f2345: Permuted | undefined

  /** @throws AkaKeyLengthError */
  constructor(keys: TuakKeys, rand: Buffer) {
    if (keys.topc.length !== TOPC_OCTETS) throw new AkaKeyLengthError('TOPc', keys.topc.length)
    if (!K_OCTETS.includes(keys.k.length)) throw new AkaKeyLengthError('K', keys.k.length)
    assert(rand.length === RAND_OCTETS, 'RAND has 16 octets')
    this.#keys = keys
    this.#parameters = keys.parameters ?? AKA_TUAK_PARAMETERS
    this.#rand = rand
  }

  f1(sqn: Buffer, amf: Buffer): Buffer {
    return this.#mac(INSTANCE.f1, sqn, amf)
  }

  f1Star(sqn: Buffer, amf: Buffer): Buffer {
    return this.#mac(INSTANCE.f1Star, sqn, amf)
  }

  f2(): Buffer {
    return this.#outputs().out(OUT.first, this.#parameters.resOctets)
  }

  f3(): Buffer {
    return this.#outputs().out(OUT.ck, this.#parameters.ckOctets)
  }

  f4(): Buffer {
    return this.#outputs().out(OUT.ik, this.#parameters.ikOctets)
  }

  f5(): Buffer {
    return this.#outputs().out(OUT.ak, SQN_OCTETS)
  }

  f5Star(): Buffer {
    return this.#run({ instance: INSTANCE.f5Star }).out(OUT.ak, SQN_OCTETS)
  }

  #mac(instance: number, sqn: Buffer, amf: Buffer): Buffer {
    assert(sqn.length === SQN_OCTETS && amf.length === AMF_OCTETS, 'SQN has 6 octets, AMF 2')
    const { macOctets } = this.#parameters
    return this.#run({ instance: instance | INSTANCE_LENGTH[macOctets], sqn, amf }).out(OUT.first, macOctets)
  }

  #outputs(): Permuted {
    const { resOctets, ckOctets, ikOctets } = this.#parameters
    const lengths =
      INSTANCE_LENGTH[resOctets] | (ckOctets === 32 ? INSTANCE.ck256 : 0) | (ikOctets === 32 ? INSTANCE.ik256 : 0)
    this.#f2345 ??= this.#run({ instance: INSTANCE.f2345 | lengths })
    return this.#f2345
  }

  #run(fields: Omit<Fields, 'top' | 'rand'>): Permuted {
    const { k, topc } = this.#keys
    return permute(k, { ...fields, top: topc, rand: this.#rand }, this.#parameters.iterations)
  }
}

/** What came out of the permutation; each field lies there last octet first. */
interface Permuted {
  out(start: number, octets: number): Buffer
}

/** Fills the input, each field last octet first, and applies the permutation. */
function permute(k: Secret, fields: Fields, iterations: number): Permuted {
  if (!K_OCTETS.includes(k.length)) throw new AkaKeyLengthError('K', k.length)
  const state = Buffer.alloc(KECCAK_STATE_OCTETS)
  const put = (octets: Buffer, at: number): void => void Buffer.from(octets).reverse().copy(state, at)
  put(fields.top.reveal(), AT.top)
  state[AT.instance] = fields.instance | (k.length === 32 ? INSTANCE.k256 : 0)
  put(ALGONAME, AT.algoname)
  if (fields.rand) put(fields.rand, AT.rand)
  if (fields.amf) put(fields.amf, AT.amf)
  if (fields.sqn) put(fields.sqn, AT.sqn)
  // A key of 128 bits is followed by as many zeros.
  put(k.reveal(), AT.key)
  state[AT.padding] = 0x1f
  state[AT.paddingEnd] = 0x80
  for (let i = 0; i < iterations; i++) keccakF1600(state)
  return { out: (start, octets) => Buffer.from(state.subarray(start, start + octets)).reverse() }
}
