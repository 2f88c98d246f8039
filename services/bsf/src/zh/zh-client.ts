import { Secret } from '@rollcall/core'
import type { Guss } from '@rollcall/gba'
import { ZhResult, ZhServiceClient } from '@rollcall/proto-gen/zh'
import { callUnary, createGrpcClient, RpcError, type Runtime } from '@rollcall/runtime'

/** A UE waits for it, and for its own answer after that. */
const CALL_MS_MAX = 3_000

const NONE = Buffer.alloc(0)

/** What a bootstrapping needs of the HSS. */
export interface GbaVector {
  readonly rand: Buffer
  readonly autn: Buffer
  readonly xres: Secret
  readonly ck: Secret
  readonly ik: Secret
  readonly guss: Guss
}

/** Zh to the HSS. Closing it ends what is under way. */
export class ZhClient implements Disposable {
  readonly #client: ZhServiceClient

  constructor(target: string, { identity, metrics }: Pick<Runtime, 'identity' | 'metrics'>) {
    this.#client = createGrpcClient(ZhServiceClient, { target, role: 'hss', identity, metrics })
  }

  /**
   * MAR/MAA: a vector for this user, or undefined when there is none such; after resynchronisation when the UE gave AUTS.
   *
   * @throws RpcError when the HSS does not answer.
   * @see TS 29.109 clause 4.3, TS 33.220 clause 4.4.5
   */
  async multimediaAuth(
    impi: string,
    resync?: { readonly auts: Buffer; readonly rand: Buffer },
  ): Promise<GbaVector | undefined> {
    const request = { impi, auts: resync?.auts ?? NONE, rand: resync?.rand ?? NONE }
    const answer = await callUnary(this.#client.multimediaAuth.bind(this.#client), request, { deadlineMs: CALL_MS_MAX })
    const { result, vector, guss } = answer
    if (result === ZhResult.ZH_RESULT_IDENTITY_UNKNOWN) return undefined
    if (!vector || !guss) throw new RpcError('RPC_INTERNAL', 'an answer without vector or settings')
    const { rand, autn } = vector
    const [xres, ck, ik] = [new Secret(vector.xres), new Secret(vector.ck), new Secret(vector.ik)]
    return { rand, autn, xres, ck, ik, guss }
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }
}
