import type { Guard } from '../guard.ts'

/** Guards of AKA and ESP that were added with TUAK, AKAv2 and the counter modes. */
export const AKA_GUARDS: readonly Guard[] = [
  {
    name: 'autn-sqn-age',
    file: 'packages/aka/src/isim.ts',
    code: 'if (rules.ageLimit !== undefined && -ahead > rules.ageLimit) return undefined',
    without: '',
    tests: ['packages/aka/src/sqn-rules.test.ts'],
  },
  {
    name: 'akav2-password',
    file: 'packages/aka/src/aka-v2.ts',
    code: "if (algorithm === 'AKAv1-MD5') return res",
    without: 'return res',
    tests: ['packages/aka/src/aka-v2.test.ts'],
  },
  {
    name: 'digest-algorithm',
    file: 'services/scscf/src/registrar/step.ts',
    code: 'if (!answersBy(challenge.algorithm, digest.algorithm)) return false',
    without: '',
    tests: ['services/scscf/src/registrar/step.test.ts'],
  },
  {
    name: 'esp-pair',
    file: 'packages/esp/src/keys.ts',
    code: 'if (!isAlgorithmPair(integrity, encryption)) throw new InvalidAlgorithmPairError(integrity, encryption)',
    without: '',
    tests: ['packages/esp/src/keys.test.ts'],
  },
  {
    name: 'sequence-exhausted',
    file: 'packages/esp/src/outbound-sa.ts',
    code: 'if (this.#sequence >= SEQUENCE_MAX) throw new SequenceExhaustedError(this.spi)',
    without: 'if (this.#sequence >= SEQUENCE_MAX) this.#sequence = 0',
    tests: ['packages/esp/src/sa.test.ts'],
  },
  {
    name: 'counter-iv',
    file: 'packages/esp/src/counter-mode.ts',
    code: 'packet.copy(packet, HEADER_OCTETS, 0, COUNTER_IV_OCTETS)',
    without: 'packet.fill(0, HEADER_OCTETS, TEXT_AT)',
    tests: ['packages/esp/src/sa.test.ts'],
  },
  {
    name: 'gcm-icv',
    file: 'packages/esp/src/counter-mode.ts',
    code: 'decipher.final()',
    without: '',
    tests: ['packages/esp/src/sa.test.ts'],
  },
  {
    name: 'gmac-icv',
    file: 'packages/esp/src/counter-mode.ts',
    code: 'if (!timingSafeEqual(gmacOf(keys, packet), packet.subarray(icvAt))) return undefined',
    without: '',
    tests: ['packages/esp/src/sa.test.ts'],
  },
  {
    name: 'rejected-stays-out',
    file: 'packages/ue/src/reg-event/reactions.ts',
    code: "(reason === 'deactivated' || reason === 'probation')",
    without: 'true',
    tests: ['packages/ue/src/reg-event.test.ts'],
  },
]
