import { answerChallenge, decodeNonce, digestResponse, type IsimState } from '@rollcall/aka'
import { type EspKeys, expandKeys } from '@rollcall/esp'
import { ACCESS_REALM, type BenchUser } from './bench-user.ts'

/** What the generator offers; whatever the P-CSCF lists besides, both ends choose it. */
export const SUITE = { integrity: 'hmac-sha-1-96', encryption: 'aes-cbc' } as const

/** What a challenge comes to. */
export interface AnsweredChallenge {
  readonly nonce: string
  readonly response: string
  readonly state: IsimState
  readonly keys: EspKeys
  /** All of Security-Server, as one value. */
  readonly securityServer: string
  readonly pcscf: { readonly spiC: number; readonly spiS: number; readonly portC: number; readonly portS: number }
}

/**
 * Reads a 401, checks the network and answers it (RFC 3310 section 3.3). It reads just what it needs, spelt as the P-CSCF
 * under test spells it.
 *
 * @throws Error when it cannot be answered.
 */
export function answer401(user: BenchUser, state: IsimState, response: Buffer): AnsweredChallenge {
  const text = response.toString('latin1')
  const nonce = /^WWW-Authenticate: Digest [^\r]*nonce="([^"]+)"/m.exec(text)?.[1] ?? ''
  if (/[ ,;](?:ck|ik)=/i.test(text)) throw new Error('the challenge shows its keys')
  const answer = answerChallenge(user.keys, { ...decodeNonce(nonce), state })
  if (answer.kind !== 'success') throw new Error(`the challenge is a ${answer.kind}`)
  const uri = `sip:${ACCESS_REALM}`
  const names = { username: user.impi, realm: ACCESS_REALM, method: 'REGISTER', uri }
  const securityServer = [...text.matchAll(/^Security-Server: ([^\r]+)/gm)].map(([, value]) => value).join(', ')
  const number = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(securityServer)?.[1])
  return {
    nonce,
    response: digestResponse({ ...names, password: answer.res, nonce }),
    state: answer.state,
    keys: expandKeys({ ck: answer.ck, ik: answer.ik, ...SUITE }),
    securityServer,
    pcscf: { spiC: number('spi-c'), spiS: number('spi-s'), portC: number('port-c'), portS: number('port-s') },
  }
}
