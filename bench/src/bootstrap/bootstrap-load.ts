import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import {
  answerChallenge,
  decodeNonce,
  digestPassword,
  digestResponse,
  type IsimState,
  newIsimState,
} from '@rollcall/aka'
import { formatDigestCredentials, parseDigestChallenge } from '@rollcall/sip'
import { type BenchUser, benchUser } from '../access/bench-user.ts'
import { closedLoop } from '../load/closed-loop.ts'
import type { LoadReport } from '../load/work.ts'
import type { BootstrapPlace, BootstrapWork } from './bootstrap-work.ts'

const CNONCE = '0a4f113b0a4f113b'

/** A UE that bootstraps again and again. */
interface LoadUe {
  readonly user: BenchUser
  state: IsimState
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** UEs with an ISIM each, over connections that are kept. */
export class BootstrapLoad {
  readonly #place: BootstrapPlace
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'lifo' })
  readonly #idle: LoadUe[]

  constructor(place: BootstrapPlace) {
    this.#place = place
    this.#idle = Array.from({ length: place.users }, (_, number) => ({
      user: benchUser(number, '127.0'),
      state: newIsimState(),
    }))
  }

  async run(work: BootstrapWork): Promise<LoadReport> {
    const done = await closedLoop(work, (end) => {
      const ue = this.#idle.shift()
      if (!ue) throw new Error('more outstanding than there are users')
      const startMs = performance.now()
      this.#bootstrap(ue).then(
        (status) => {
          this.#idle.push(ue)
          if (status === 200) end({ latencyMs: performance.now() - startMs })
          else end({ failure: String(status) })
        },
        (error: unknown) => {
          this.#idle.push(ue)
          end({ failure: error instanceof Error ? error.message : 'unknown' })
        },
      )
    })
    return { ...done, resent: 0, repeated: 0 }
  }

  async #bootstrap(ue: LoadUe): Promise<number> {
    const { realm } = this.#place
    const about = { username: ue.user.impi, realm, uri: '/' }
    const first = await this.#get({ ...about, nonce: '', response: '' })
    const challenge = parseDigestChallenge(first.headers['www-authenticate'] ?? '')
    const { nonce } = challenge
    const said = answerChallenge(ue.user.keys, { ...decodeNonce(nonce), state: ue.state })
    if (said.kind !== 'success') throw new Error(said.kind)
    ue.state = said.state
    const proof = { ...about, nonce, qop: 'auth-int', nc: '00000001', cnonce: CNONCE } as const
    const password = digestPassword('AKAv1-MD5', said)
    const response = digestResponse({ ...proof, password, method: 'GET' })
    return (await this.#get({ ...proof, response, algorithm: 'AKAv1-MD5' })).status
  }

  #get(credentials: Omit<Parameters<typeof formatDigestCredentials>[0], 'params'>): Promise<Answer> {
    const { address, port, realm } = this.#place
    const authorization = formatDigestCredentials({ ...credentials, params: new Map() })
    const headers = { Host: realm, Authorization: authorization }
    return new Promise((resolve, reject) => {
      const sent = request({ agent: this.#agent, host: address, port, path: '/', headers }, (response) => {
        response.resume()
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
      })
      sent.once('error', reject)
      sent.end()
    })
  }
}
