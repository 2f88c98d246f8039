import type { EncryptionAlgorithm, IntegrityAlgorithm } from '../keys.ts'

/** One whole ESP packet in Galois/counter mode; hexadecimal. `text` ends with the trailer. */
export interface CounterModeVector {
  readonly name: string
  readonly encryption: EncryptionAlgorithm
  readonly integrity: IntegrityAlgorithm
  readonly key: string
  readonly salt: string
  readonly spi: string
  readonly sequence: string
  readonly iv: string
  readonly text: string
  /** As it stands in the packet. */
  readonly protectedText: string
  readonly icv: string
}

/**
 * draft-mcgrew-gcm-test-01 section 4: those of its ESP packets that have a key of 128 bits, a sequence number of 32 and an SPI
 * (published; the values agree in several public test suites, that of GMAC also in the one of Linux for RFC 4543).
 */
export const COUNTER_MODE_VECTORS: readonly CounterModeVector[] = [
  {
    name: 'GCM, test case 2',
    encryption: 'aes-gcm',
    integrity: 'null',
    key: 'feffe9928665731c6d6a8f9467308308',
    salt: 'cafebabe',
    spi: '0000a5f8',
    sequence: '0000000a',
    iv: 'facedbaddecaf888',
    text: '4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d001000001000000000000037369700963796265726369747902646b00000100010001',
    protectedText:
      'deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642cfbb85a5b47e48a4ec3b9ba95d918bd1',
    icv: '83b70d3aa8bc6ee4c309e9d85a41ad4a',
  },
  {
    name: 'GCM, the last sequence number of an SA, a dummy of 4 octets',
    encryption: 'aes-gcm',
    integrity: 'null',
    key: '7d773d00c144c525ac619d18c84a3f47',
    salt: 'd9664267',
    spi: '335467ae',
    sequence: 'ffffffff',
    iv: '43457e9182443bc6',
    text: '01020201',
    protectedText: '437f866b',
    icv: 'cb3f699fe9b0822bac961c4504bef270',
  },
  {
    name: 'GMAC',
    encryption: 'null',
    integrity: 'aes-gmac',
    key: '4c80cdefbb5d10da906ac73c3613a634',
    salt: '22433c64',
    spi: '00004321',
    sequence: '00000007',
    iv: '0000000000000000',
    text: '45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201',
    protectedText:
      '45000030da3a00008001df3bc0a80005c0a800010800c6cd020007006162636465666768696a6b6c6d6e6f707172737401020201',
    icv: 'f2a9a836e155106aa8dcd618e4099aaa',
  },
]
