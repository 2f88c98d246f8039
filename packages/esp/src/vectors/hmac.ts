/** One HMAC test case; hexadecimal. */
export interface HmacVector {
  readonly number: number
  readonly keyMd5: string
  readonly keySha1: string
  readonly data: string
  readonly hmacMd5Leftmost96: string
  readonly hmacSha1Leftmost96: string
}

/** RFC 2202 sections 2 and 3, cases 1 to 7 (published), cut to their first 96 bits as RFC 2403 and RFC 2404 do. */
export const HMAC_VECTORS: readonly HmacVector[] = [
  {
    number: 1,
    keyMd5: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    keySha1: '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b',
    data: '4869205468657265',
    hmacMd5Leftmost96: '9294727a3638bb1c13f48ef8',
    hmacSha1Leftmost96: 'b617318655057264e28bc0b6',
  },
  {
    number: 2,
    keyMd5: '4a656665',
    keySha1: '4a656665',
    data: '7768617420646f2079612077616e7420666f72206e6f7468696e673f',
    hmacMd5Leftmost96: '750c783e6ab0b503eaa86e31',
    hmacSha1Leftmost96: 'effcdf6ae5eb2fa2d27416d5',
  },
  {
    number: 3,
    keyMd5: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    keySha1: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    data: 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd',
    hmacMd5Leftmost96: '56be34521d144c88dbb8c733',
    hmacSha1Leftmost96: '125d7342b9ac11cd91a39af4',
  },
  {
    number: 4,
    keyMd5: '0102030405060708090a0b0c0d0e0f10111213141516171819',
    keySha1: '0102030405060708090a0b0c0d0e0f10111213141516171819',
    data: 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',
    hmacMd5Leftmost96: '697eaf0aca3a3aea3a751647',
    hmacSha1Leftmost96: '4c9007f4026250c6bc8414f9',
  },
  {
    number: 5,
    keyMd5: '0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c',
    keySha1: '0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c',
    data: '546573742057697468205472756e636174696f6e',
    hmacMd5Leftmost96: '56461ef2342edc00f9bab995',
    hmacSha1Leftmost96: '4c1a03424b55e07fe7f27be1',
  },
  {
    number: 6,
    keyMd5:
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    keySha1:
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    data: '54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374',
    hmacMd5Leftmost96: '6b1ab7fe4bd7bf8f0b62e6ce',
    hmacSha1Leftmost96: 'aa4ae5e15272d00e95705637',
  },
  {
    number: 7,
    keyMd5:
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    keySha1:
      'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    data: '54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b657920616e64204c6172676572205468616e204f6e6520426c6f636b2d53697a652044617461',
    hmacMd5Leftmost96: '6f630fad67cda0ee1fb1f562',
    hmacSha1Leftmost96: 'e8e99d0f45237d786d6bbaa7',
  },
]
