import { HTTP_DIGEST_UA_PROTOCOL } from '@rollcall/gba'
import {
  type Contact,
  type GetPresentityResponse,
  PcscfAdminServiceClient,
  PresenceAdminServiceClient,
  type Registration,
  ScscfAdminServiceClient,
  type SetPresencePolicyResponse,
  type Subscriber,
  SubscriberAdminServiceClient,
} from '@rollcall/proto-gen/admin'
import type { PresencePolicy } from '@rollcall/proto-gen/sh'
import { ZnServiceClient } from '@rollcall/proto-gen/zn'
import { callUnary, createGrpcClient, RpcError, type TlsIdentity } from '@rollcall/runtime'
import type { ReplicatedService, ServiceName } from './processes.ts'

/** A policy that blocks is in force when the owner is alone: after a lost replica that takes a lease length. */
const POLICY_DEADLINE_MS = 15_000

/** A stack that an operator may look at: where its processes are, and certificates of its trust domain. */
export interface OperatedStack {
  /** `HOST:PORT` of a gRPC listener. */
  grpcTarget(service: ServiceName, ordinal?: number): string
  /** One for each process of a service that runs now. */
  replicas(service: ReplicatedService): readonly unknown[]
  identity(role: string): Promise<TlsIdentity>
}

/** What an operator of a stack may look at and do, by mutual TLS as anywhere. */
export class Operator implements Disposable {
  readonly #stack: OperatedStack
  readonly #identity: TlsIdentity
  readonly #hss: SubscriberAdminServiceClient
  readonly #pcscf: PcscfAdminServiceClient
  /** By target: replicas come and go. */
  readonly #scscfs = new Map<string, ScscfAdminServiceClient>()
  readonly #presences = new Map<string, PresenceAdminServiceClient>()

  private constructor(stack: OperatedStack, identity: TlsIdentity) {
    this.#stack = stack
    this.#identity = identity
    const at = <R extends 'hss' | 'pcscf'>(role: R) => ({ target: stack.grpcTarget(role), role, identity })
    this.#hss = createGrpcClient(SubscriberAdminServiceClient, at('hss'))
    this.#pcscf = createGrpcClient(PcscfAdminServiceClient, at('pcscf'))
  }

  static async of(stack: OperatedStack): Promise<Operator> {
    return new Operator(stack, await stack.identity('operator'))
  }

  /** Gives whether the HSS did not know the subscriber yet. @throws RpcError */
  async addSubscriber(subscriber: Subscriber): Promise<boolean> {
    return (await callUnary(this.#hss.addSubscriber.bind(this.#hss), { subscriber })).created
  }

  /** Resolves when the policy is in force. @throws RpcError: it may be stored, and not be in force everywhere. */
  async setPresencePolicy(impu: string, presencePolicy: PresencePolicy): Promise<SetPresencePolicyResponse> {
    const o = { deadlineMs: POLICY_DEADLINE_MS }
    return await callUnary(this.#hss.setPresencePolicy.bind(this.#hss), { impu, presencePolicy }, o)
  }

  /** A password for Digest in one realm. @throws RpcError */
  async setDigestPassword(o: { impi: string; realm: string; password: string }): Promise<void> {
    const request = { ...o, password: Buffer.from(o.password) }
    await callUnary(this.#hss.setDigestPassword.bind(this.#hss), request)
  }

  /** What somebody gets who has the AP's certificate and asks for the key of a NAF. @throws RpcError */
  async asksForKey({ btid, fqdn }: { btid: string; fqdn: string }): Promise<'given' | 'refused'> {
    using identity = await this.#stack.identity('ap')
    const client = createGrpcClient(ZnServiceClient, { target: this.#stack.grpcTarget('bsf'), role: 'bsf', identity })
    const request = { btid, nafFqdn: fqdn, uaProtocol: HTTP_DIGEST_UA_PROTOCOL, gsids: [] }
    try {
      await callUnary(client.bootstrappingInfo.bind(client), request)
      return 'given'
    } catch (error) {
      if (error instanceof RpcError && error.code === 'RPC_DENIED') return 'refused'
      throw error
    } finally {
      client.close()
    }
  }

  async listContacts(): Promise<readonly Contact[]> {
    return (await callUnary(this.#pcscf.listContacts.bind(this.#pcscf), {})).contacts
  }

  /** Of all S-CSCF replicas: each knows those of its partitions. */
  async listRegistrations(): Promise<readonly Registration[]> {
    const lists = this.#targetsOf('scscf').map(async (target) => {
      const client = this.#client('scscf', this.#scscfs, ScscfAdminServiceClient, target)
      return (await callUnary(client.listRegistrations.bind(client), {})).registrations
    })
    const byImpi = new Map((await Promise.all(lists)).flat().map((registration) => [registration.impi, registration]))
    return [...byImpi.values()]
  }

  /** From the replica that has the partition. @throws RpcError when none has it now. */
  async getPresentity(impu: string): Promise<GetPresentityResponse> {
    let why: unknown
    for (const target of this.#targetsOf('presence')) {
      const client = this.#client('presence', this.#presences, PresenceAdminServiceClient, target)
      try {
        return await callUnary(client.getPresentity.bind(client), { impu })
      } catch (error) {
        if (!(error instanceof RpcError) || error.code !== 'RPC_UNAVAILABLE') throw error
        why = error
      }
    }
    throw why
  }

  [Symbol.dispose](): void {
    for (const client of [this.#hss, this.#pcscf, ...this.#scscfs.values(), ...this.#presences.values()]) client.close()
    this.#identity[Symbol.dispose]()
  }

  /** Of those processes that run now. */
  #targetsOf(service: ReplicatedService): string[] {
    const ordinals = this.#stack.replicas(service).keys()
    return [...ordinals].map((ordinal) => this.#stack.grpcTarget(service, ordinal))
  }

  #client<C extends ScscfAdminServiceClient | PresenceAdminServiceClient>(
    role: ReplicatedService,
    known: Map<string, C>,
    Class: Parameters<typeof createGrpcClient<C>>[0],
    target: string,
  ): C {
    const client = known.get(target) ?? createGrpcClient<C>(Class, { target, role, identity: this.#identity })
    known.set(target, client)
    return client
  }
}
