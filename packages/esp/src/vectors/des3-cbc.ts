/** One DES-EDE3-CBC test case; hexadecimal. */
export interface Des3CbcVector {
  readonly name: string
  readonly key: string
  readonly iv: string
  readonly plaintext: string
  readonly ciphertext: string
}

/** NIST MMT for triple DES in CBC mode, examples 1 and 2 (published; read in strongSwan, test_vectors/3des_cbc.c). */
export const DES3_CBC_VECTORS: readonly Des3CbcVector[] = [
  {
    name: 'NIST MMT 3DES example 1',
    key: '627f460e08104a1043cd265d5840eaf1313edf97df2a8a8c',
    iv: '8e29f75ea77e5475',
    plaintext: '326a494cd33fe756',
    ciphertext: 'b22b8d66de970692',
  },
  {
    name: 'NIST MMT 3DES example 2',
    key: '37ae5ebf46dff2dc0754b94f31cbb3855e7fd36dc870bfae',
    iv: '3d1de3cc132e3b65',
    plaintext: '84401f78fe6c10876d8ea23094ea5309',
    ciphertext: '7b1f7c7e3b1c948ebd04a75ffba7d2f5',
  },
]
