import type { TestContext } from 'node:test'
import { Secret } from '@rollcall/core'
import { ha1Of } from '@rollcall/digest'
import {
  DigestAlgorithm,
  DigestCredentialsServiceService,
  type LookupRequest,
  type LookupResponse,
} from '@rollcall/proto-gen/digest'
import { createGrpcService, RpcError, type Runtime, startGrpcServer } from '@rollcall/runtime'

/** An HSS with passwords. */
export class PlayedHss {
  readonly target: string
  readonly asked: LookupRequest[] = []
  readonly passwords = new Map<string, { readonly password: string; readonly impus: readonly string[] }>()

  private constructor(target: string) {
    this.target = target
  }

  static async start(t: TestContext, listen: string, runtime: Runtime): Promise<PlayedHss> {
    const handler: { at?: PlayedHss } = {}
    const service = createGrpcService(DigestCredentialsServiceService, {
      lookup: (request) => {
        if (handler.at === undefined) throw new RpcError('RPC_UNAVAILABLE', 'starting')
        return handler.at.answer(request)
      },
    })
    const server = await startGrpcServer({ listen, services: [service], runtime })
    t.after(() => server.stop(0))
    const hss = new PlayedHss(listen.replace(/:0$/, `:${server.port}`))
    handler.at = hss
    return hss
  }

  answer(request: LookupRequest): LookupResponse {
    this.asked.push(request)
    const user = this.passwords.get(request.username)
    if (user === undefined) throw new RpcError('RPC_NOT_FOUND', 'user')
    const password = new Secret(Buffer.from(user.password))
    const value = (algorithm: 'MD5' | 'SHA-256'): Buffer =>
      Buffer.from(ha1Of({ algorithm, username: request.username, realm: request.realm, password }).reveal())
    return {
      impi: request.username,
      impus: [...user.impus],
      canonicalImpu: user.impus[0] ?? '',
      ha1: [
        { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_MD5, value: value('MD5') },
        { algorithm: DigestAlgorithm.DIGEST_ALGORITHM_SHA_256, value: value('SHA-256') },
      ],
    }
  }
}
