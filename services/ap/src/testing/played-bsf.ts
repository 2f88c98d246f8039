import type { TestContext } from 'node:test'
import { Secret } from '@rollcall/core'
import { btidOf, ksNaf, nafId } from '@rollcall/gba'
import { type BootstrappingInfoRequest, type BootstrappingInfoResponse, ZnServiceService } from '@rollcall/proto-gen/zn'
import { createGrpcService, RpcError, type Runtime, startGrpcServer } from '@rollcall/runtime'

/** What a UE and the BSF have after a bootstrapping. */
export interface Session {
  readonly btid: string
  readonly rand: Buffer
  readonly impi: string
  readonly ks: Secret
  expiresMs: number
  readonly uids: readonly string[]
  readonly flags: readonly number[]
}

/** A BSF that knows the sessions which a test gives it, and derives keys as the real one does. */
export class PlayedBsf {
  readonly target: string
  /** What it was asked. */
  readonly asked: BootstrappingInfoRequest[] = []
  /** What it answers instead, when a test says so. */
  failure: RpcError | undefined
  readonly #sessions = new Map<string, Session>()

  private constructor(target: string) {
    this.target = target
  }

  static async start(t: TestContext, listen: string, runtime: Runtime): Promise<PlayedBsf> {
    const handler: { at?: PlayedBsf } = {}
    const service = createGrpcService(ZnServiceService, {
      bootstrappingInfo: (request) => {
        if (handler.at === undefined) throw new RpcError('RPC_UNAVAILABLE', 'starting')
        return handler.at.answer(request)
      },
    })
    const server = await startGrpcServer({ listen, services: [service], runtime })
    t.after(() => server.stop(0))
    const bsf = new PlayedBsf(listen.replace(/:0$/, `:${server.port}`))
    handler.at = bsf
    return bsf
  }

  /** A UE has bootstrapped. */
  bootstrap(user: string, o: Partial<Pick<Session, 'expiresMs' | 'uids' | 'flags'>> = {}): Session {
    const n = this.#sessions.size + 1
    const rand = Buffer.alloc(16, n)
    const session: Session = {
      btid: btidOf(rand, 'bsf.home1.net'),
      rand,
      impi: `${user}_private@home1.net`,
      ks: new Secret(Buffer.alloc(32, 0xa0 + n)),
      expiresMs: o.expiresMs ?? Date.now() + 3_600_000,
      uids: o.uids ?? [`sip:${user}@home1.net`, 'tel:+15550100'],
      flags: o.flags ?? [],
    }
    this.#sessions.set(session.btid, session)
    return session
  }

  forget({ btid }: Session): void {
    this.#sessions.delete(btid)
  }

  answer(request: BootstrappingInfoRequest): BootstrappingInfoResponse {
    this.asked.push(request)
    if (this.failure) throw this.failure
    const session = this.#sessions.get(request.btid)
    if (session === undefined) throw new RpcError('RPC_NOT_FOUND', 'B-TID')
    const { uids, flags, impi, expiresMs } = session
    return {
      ksNaf: Buffer.from(keyOf(session, request.nafFqdn, request.uaProtocol).reveal()),
      keyExpiryMs: BigInt(Math.round(expiresMs)),
      bootstrapTimeMs: BigInt(Date.now()),
      impi,
      uss: uids.length === 0 ? [] : [{ gsid: 3, type: 3, nafGroup: '', uids: [...uids], flags: [...flags] }],
    }
  }
}

/** Ks_NAF, as the UE derives it. */
export function keyOf({ ks, rand, impi }: Session, fqdn: string, uaProtocol: Buffer): Secret {
  return ksNaf({ ks, rand, impi, nafId: nafId(fqdn, uaProtocol), label: 'gba-me' })
}
