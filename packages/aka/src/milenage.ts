import { createCipheriv } from 'node:crypto'
import { assert, Secret } from '@rollcall/core'
import type { AkaFunctions } from './aka-functions.ts'
import { AkaKeyLengthError } from './errors.ts'

/** K and OPc, RAND, CK and IK: one AES block (TS 35.206 clause 2.3). */
const BLOCK_OCTETS = 16

/** RAND (TS 33.102 clause 6.3.7). */
export const RAND_OCTETS = 16
/** SQN and AK. */
export const SQN_OCTETS = 6
/** AMF. */
export const AMF_OCTETS = 2
/** MAC-A and MAC-S. */
export const MAC_OCTETS = 8

/** A subscriber's key and the operator's variant constant bound to it. */
export interface MilenageKeys {
  readonly k: Secret
  readonly opc: Secret
}

/** Encrypts one or several blocks, each by itself (the kernel function E of TS 35.206 clause 2.2). */
type BlockCipher = (blocks: Buffer) => Buffer

/**
 * Derives OPc from the operator's OP: OP xor E_K(OP).
 *
 * @throws AkaKeyLengthError
 * @see TS 35.206 clause 4.1; src/vectors/milenage.ts
 */
export function deriveOpc(k: Secret, op: Secret): Secret {
  if (op.length !== BLOCK_OCTETS) throw new AkaKeyLengthError('OP', op.length)
  return new Secret(xor(blockCipher(k)(op.reveal()), op.reveal()))
}

/**
 * The Milenage functions of one subscriber for one RAND. Everything that depends on RAND alone is computed once.
 *
 * @see TS 35.206 clause 4.1 and 4.2 (the rotations r1 to r5 and the constants c1 to c5)
 */
export class Milenage implements AkaFunctions {
  readonly #encrypt: BlockCipher
  readonly #opc: Buffer
  /** E_K(RAND xor OPc). */
  readonly #temp: Buffer
  /** OUT2, OUT3, OUT4, OUT5 one behind the other. */
  readonly #outputs: Buffer

  /** @throws AkaKeyLengthError */
  constructor(keys: MilenageKeys, rand: Buffer) {
    if (keys.opc.length !== BLOCK_OCTETS) throw new AkaKeyLengthError('OPc', keys.opc.length)
    assert(rand.length === RAND_OCTETS, 'RAND has 16 octets')
    this.#encrypt = blockCipher(keys.k)
    this.#opc = keys.opc.reveal()
    this.#temp = this.#encrypt(xor(rand, this.#opc))
    const whitened = xor(this.#temp, this.#opc)
    const inputs = [
      mark(rotate(whitened, 0), 0x01),
      mark(rotate(whitened, 4), 0x02),
      mark(rotate(whitened, 8), 0x04),
      mark(rotate(whitened, 12), 0x08),
    ]
    this.#outputs = this.#encrypt(Buffer.concat(inputs))
  }

  f1(sqn: Buffer, amf: Buffer): Buffer {
    return this.#out1(sqn, amf).subarray(0, MAC_OCTETS)
  }

  f1Star(sqn: Buffer, amf: Buffer): Buffer {
    return this.#out1(sqn, amf).subarray(MAC_OCTETS)
  }

  f2(): Buffer {
    return this.#out(2).subarray(8)
  }

  f3(): Buffer {
    return this.#out(3)
  }

  f4(): Buffer {
    return this.#out(4)
  }

  f5(): Buffer {
    return this.#out(2).subarray(0, SQN_OCTETS)
  }

  f5Star(): Buffer {
    return this.#out(5).subarray(0, SQN_OCTETS)
  }

  #out1(sqn: Buffer, amf: Buffer): Buffer {
    assert(sqn.length === SQN_OCTETS && amf.length === AMF_OCTETS, 'SQN has 6 octets, AMF 2')
    const input = Buffer.concat([sqn, amf, sqn, amf])
    // c1 is zero: nothing is marked.
    const block = xor(this.#temp, rotate(xor(input, this.#opc), 8))
    return xor(this.#encrypt(block), this.#opc)
  }

  #out(number: 2 | 3 | 4 | 5): Buffer {
    const at = (number - 2) * BLOCK_OCTETS
    return xor(this.#outputs.subarray(at, at + BLOCK_OCTETS), this.#opc)
  }
}

function blockCipher(k: Secret): BlockCipher {
  if (k.length !== BLOCK_OCTETS) throw new AkaKeyLengthError('K', k.length)
  const cipher = createCipheriv('aes-128-ecb', k.reveal(), null).setAutoPadding(false)
  return (blocks) => cipher.update(blocks)
}

/** Octet by octet, as long as the shorter one. */
export function xor(left: Buffer, right: Buffer): Buffer {
  const out = Buffer.alloc(Math.min(left.length, right.length))
  for (let i = 0; i < out.length; i++) out[i] = (left[i] ?? 0) ^ (right[i] ?? 0)
  return out
}

/** Rotates a block by whole octets towards its most significant end; all of r1 to r5 are multiples of 8 bits. */
function rotate(block: Buffer, octets: number): Buffer {
  return Buffer.concat([block.subarray(octets), block.subarray(0, octets)])
}

/** Adds one of c2 to c5, each of which differs from zero in its last octet alone. */
function mark(block: Buffer, constant: number): Buffer {
  block[BLOCK_OCTETS - 1] = (block[BLOCK_OCTETS - 1] ?? 0) ^ constant
  return block
}
