/** One TUAK test set. All values in hexadecimal, lengths in octets. */
export interface TuakVector {
  readonly set: number
  readonly iterations: number
  readonly macOctets: 8 | 16 | 32
  readonly resOctets: 4 | 8 | 16 | 32
  readonly ckOctets: 16 | 32
  readonly ikOctets: 16 | 32
  readonly k: string
  readonly rand: string
  readonly top: string
  readonly sqn: string
  readonly amf: string
  readonly topc: string
  readonly f1: string
  readonly f1Star: string
  readonly f2: string
  readonly f3: string
  readonly f4: string
  readonly f5: string
  readonly f5Star: string
}

/**
 * TS 35.233, test sets 1 to 6 (published; the values were read in mitshell/CryptoMobile, test/test_TUAK.py, and recomputed
 * with an independent Python).
 */
export const TUAK_VECTORS: readonly TuakVector[] = [
  {
    set: 1,
    iterations: 1,
    macOctets: 8,
    resOctets: 4,
    ckOctets: 16,
    ikOctets: 16,
    k: 'abababababababababababababababab',
    rand: '42424242424242424242424242424242',
    top: '5555555555555555555555555555555555555555555555555555555555555555',
    sqn: '111111111111',
    amf: 'ffff',
    topc: 'bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff',
    f1: 'f9a54e6aeaa8618d',
    f1Star: 'e94b4dc6c7297df3',
    f2: '657acd64',
    f3: 'd71a1e5c6caffe986a26f783e5c78be1',
    f4: 'be849fa2564f869aecee6f62d4337e72',
    f5: '719f1e9b9054',
    f5Star: 'e7af6b3d0e38',
  },
  {
    set: 2,
    iterations: 1,
    macOctets: 16,
    resOctets: 8,
    ckOctets: 16,
    ikOctets: 16,
    k: 'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0',
    rand: '0123456789abcdef0123456789abcdef',
    top: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    sqn: '0123456789ab',
    amf: 'abcd',
    topc: '305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524',
    f1: 'c0b8c2d4148ec7aa5f1d78a97e4d1d58',
    f1Star: 'ef81af7290f7842c6ceafa537fa0745b',
    f2: 'e9d749dc4eea0035',
    f3: 'a4cb6f6529ab17f8337f27baa8234d47',
    f4: '2274155ccf4199d5e2abcbf621907f90',
    f5: '480a9345cc1e',
    f5Star: 'f84eb338848c',
  },
  {
    set: 3,
    iterations: 1,
    macOctets: 32,
    resOctets: 8,
    ckOctets: 16,
    ikOctets: 32,
    k: 'fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0',
    rand: '0123456789abcdef0123456789abcdef',
    top: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    sqn: '0123456789ab',
    amf: 'abcd',
    topc: '305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524',
    f1: 'd97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5',
    f1Star: '427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821',
    f2: '07021c73e7635c7d',
    f3: '4d59ac796834eb85d11fa148a5058c3c',
    f4: '126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd',
    f5: '1d6622c4e59a',
    f5Star: 'f84eb338848c',
  },
  {
    set: 4,
    iterations: 1,
    macOctets: 16,
    resOctets: 16,
    ckOctets: 16,
    ikOctets: 16,
    k: 'b8da837a50652d6ac7c97da14f6acc61',
    rand: '6887e55425a966bd86c9661a5fa72be8',
    top: '0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01',
    sqn: '0dea2ee2c5af',
    amf: 'df1e',
    topc: '2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a',
    f1: '749214087958dd8f58bfcdf869d8ae3f',
    f1Star: '619e865afe80e382aee13063f9dfb56d',
    f2: '4041ce438e3e38e8aa96562eed83ac43',
    f3: '3e3bc01bea0cd914c4c2c83ce2d92757',
    f4: '666a8e6f577b1aa77b7fd53cebb8a3d6',
    f5: '1f880d005119',
    f5Star: '45e617d77fe5',
  },
  {
    set: 5,
    iterations: 1,
    macOctets: 8,
    resOctets: 32,
    ckOctets: 32,
    ikOctets: 16,
    k: '1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5',
    rand: 'c570aac68cde651fb1e3088322498bef',
    top: 'e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e',
    sqn: 'c89bb71f3a41',
    amf: '297d',
    topc: '3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62',
    f1: 'd7340dad02b4cb01',
    f1Star: 'c6021e2e66accb15',
    f2: '84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c',
    f3: 'd419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65',
    f4: '205533e505661b61d05cc0eac87818f4',
    f5: 'd7b3d2d4980a',
    f5Star: 'ca9655264986',
  },
  {
    set: 6,
    iterations: 2,
    macOctets: 32,
    resOctets: 32,
    ckOctets: 32,
    ikOctets: 32,
    k: '1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5',
    rand: 'c570aac68cde651fb1e3088322498bef',
    top: 'e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e',
    sqn: 'c89bb71f3a41',
    amf: '297d',
    topc: 'b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51',
    f1: '90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7',
    f1Star: '427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f',
    f2: 'd67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867',
    f3: 'ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89',
    f4: '48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999',
    f5: '6aae8d18c448',
    f5Star: '8c5f33b61f4e',
  },
]
