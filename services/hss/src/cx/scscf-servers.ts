import {
  CxCallbackServiceClient,
  type PushProfileRequest,
  type PushProfileResponse,
  type RegistrationTerminationRequest,
  type RegistrationTerminationResponse,
} from '@rollcall/proto-gen/cx'
import { callUnary, createGrpcClient, type Runtime } from '@rollcall/runtime'

/** One replica of the S-CSCF. Each call throws RpcError. */
export interface ScscfServer {
  /** `HOST:PORT` */
  readonly target: string
  terminate(request: RegistrationTerminationRequest, deadlineMs: number): Promise<RegistrationTerminationResponse>
  pushProfile(request: PushProfileRequest, deadlineMs: number): Promise<PushProfileResponse>
}

/** The S-CSCFs over gRPC. Closing them ends what is under way. */
export class ScscfServers implements Disposable {
  readonly list: readonly ScscfServer[]
  readonly #clients: readonly CxCallbackServiceClient[]

  constructor(targets: readonly string[], { identity, metrics }: Pick<Runtime, 'identity' | 'metrics'>) {
    const connected = targets.map((target) => ({
      target,
      client: createGrpcClient(CxCallbackServiceClient, { target, role: 'scscf', identity, metrics }),
    }))
    this.#clients = connected.map(({ client }) => client)
    this.list = connected.map(({ target, client }) => ({
      target,
      terminate: (request, deadlineMs) => {
        return callUnary(client.registrationTermination.bind(client), request, { deadlineMs })
      },
      pushProfile: (request, deadlineMs) => callUnary(client.pushProfile.bind(client), request, { deadlineMs }),
    }))
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close()
  }
}
