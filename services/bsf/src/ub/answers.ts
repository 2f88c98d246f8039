import { BOOTSTRAPPING_INFO_TYPE } from '@rollcall/gba'
import type { HttpAnswer } from '@rollcall/runtime'
import { formatAuth, formatDigestChallenge } from '@rollcall/sip'

/** A UE that supports TMPI derives one only if the BSF says that it does, too (TS 33.220 annex B.4). */
export const TMPI_TOKEN = '3gpp-gba-tmpi'

/** What every answer on Ub says: nobody on the way keeps it. */
const NOT_STORED = { 'Cache-Control': 'no-store' } as const

/**
 * 401 with a challenge (TS 24.109 clause 4.2, RFC 3310 section 3.2). It is always one of GBA_ME, and never that of a UICC or of
 * a SIM (TS 33.220 clause 5.3.2, TS 33.220 annex I, TS 24.109 annex H.2).
 */
export function challengeAnswer(o: {
  readonly realm: string
  readonly nonce: string
  readonly givesTmpi: boolean
}): HttpAnswer {
  const challenge = formatDigestChallenge({
    realm: o.realm,
    nonce: o.nonce,
    algorithm: 'AKAv1-MD5',
    qop: ['auth-int'],
    isStale: false,
    params: new Map(),
  })
  return { status: 401, headers: { ...NOT_STORED, ...server(o.givesTmpi), 'WWW-Authenticate': challenge } }
}

/** 200 with the document, and the proof that it is from who knows RES (TS 24.109 clause 4.2, RFC 7616 section 3.5). */
export function bootstrappedAnswer(o: {
  readonly body: string
  readonly rspauth: string
  readonly cnonce: string
  readonly nc: string
  readonly expiryMs: number
  readonly givesTmpi: boolean
}): HttpAnswer {
  const quoted = (value: string) => ({ value, quoted: true })
  const plain = (value: string) => ({ value, quoted: false })
  const info = new Map([
    ['qop', plain('auth-int')],
    ['rspauth', quoted(o.rspauth)],
    ['cnonce', quoted(o.cnonce)],
    ['nc', plain(o.nc)],
  ])
  return {
    status: 200,
    headers: {
      ...server(o.givesTmpi),
      'Authentication-Info': formatAuth({ scheme: '', params: info }),
      'Content-Type': BOOTSTRAPPING_INFO_TYPE,
      Expires: new Date(o.expiryMs).toUTCString(),
    },
    body: o.body,
  }
}

/** A refusal that a UE takes as the last word: it says nothing. */
export function refusedAnswer(status: 400 | 403 | 404): HttpAnswer {
  return { status, headers: NOT_STORED }
}

/** No, but later. */
export function laterAnswer(retryAfterSeconds: number): HttpAnswer {
  return { status: 503, headers: { ...NOT_STORED, 'Retry-After': String(retryAfterSeconds) } }
}

function server(givesTmpi: boolean): { readonly Server?: string } {
  return givesTmpi ? { Server: `rollcall ${TMPI_TOKEN}` } : {}
}
