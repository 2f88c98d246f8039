import {
  type Contact,
  type GetPresentityResponse,
  PcscfAdminServiceClient,
  PresenceAdminServiceClient,
  type Registration,
  ScscfAdminServiceClient,
  type Subscriber,
  SubscriberAdminServiceClient,
} from '@rollcall/proto-gen/admin'
import { callUnary, createGrpcClient, type TlsIdentity } from '@rollcall/runtime'
import type { LocalStack } from './stack.ts'

/** What an operator of a local stack may look at and do, by mutual TLS as anywhere. */
export class Operator implements Disposable {
  readonly #identity: TlsIdentity
  readonly #hss: SubscriberAdminServiceClient
  readonly #pcscf: PcscfAdminServiceClient
  readonly #scscf: ScscfAdminServiceClient
  readonly #presence: PresenceAdminServiceClient

  private constructor(stack: LocalStack, identity: TlsIdentity) {
    this.#identity = identity
    const at = <R extends 'hss' | 'pcscf' | 'scscf' | 'presence'>(role: R) => ({
      target: stack.grpcTarget(role),
      role,
      identity,
    })
    this.#hss = createGrpcClient(SubscriberAdminServiceClient, at('hss'))
    this.#pcscf = createGrpcClient(PcscfAdminServiceClient, at('pcscf'))
    this.#scscf = createGrpcClient(ScscfAdminServiceClient, at('scscf'))
    this.#presence = createGrpcClient(PresenceAdminServiceClient, at('presence'))
  }

  static async of(stack: LocalStack): Promise<Operator> {
    return new Operator(stack, await stack.identity('operator'))
  }

  /** Gives whether the HSS did not know the subscriber yet. @throws RpcError */
  async addSubscriber(subscriber: Subscriber): Promise<boolean> {
    return (await callUnary(this.#hss.addSubscriber.bind(this.#hss), { subscriber })).created
  }

  async listContacts(): Promise<readonly Contact[]> {
    return (await callUnary(this.#pcscf.listContacts.bind(this.#pcscf), {})).contacts
  }

  async listRegistrations(): Promise<readonly Registration[]> {
    return (await callUnary(this.#scscf.listRegistrations.bind(this.#scscf), {})).registrations
  }

  async getPresentity(impu: string): Promise<GetPresentityResponse> {
    return await callUnary(this.#presence.getPresentity.bind(this.#presence), { impu })
  }

  [Symbol.dispose](): void {
    for (const client of [this.#hss, this.#pcscf, this.#scscf, this.#presence]) client.close()
    this.#identity[Symbol.dispose]()
  }
}
