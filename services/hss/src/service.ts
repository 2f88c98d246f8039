import { SubscriberAdminServiceService } from '@rollcall/proto-gen/admin'
import { CxServiceService } from '@rollcall/proto-gen/cx'
import { DigestCredentialsServiceService } from '@rollcall/proto-gen/digest'
import { ShServiceService } from '@rollcall/proto-gen/sh'
import { ZhServiceService } from '@rollcall/proto-gen/zh'
import {
  createGrpcService,
  type GrpcServer,
  type GrpcService,
  type Readiness,
  type RpcContext,
  RpcError,
  type Runtime,
  type Service,
  startGrpcServer,
} from '@rollcall/runtime'
import { connectStore, HSS_BUCKET, KeyValue, Sealer, type StoreConnection, StoreOpener } from '@rollcall/store'
import { addSubscriber } from './admin/add-subscriber.ts'
import { getSubscriber } from './admin/get-subscriber.ts'
import { getGuss, setGuss } from './admin/guss.ts'
import { listSubscribers } from './admin/list-subscribers.ts'
import { removeSubscriber } from './admin/remove-subscriber.ts'
import { setDigestPassword } from './admin/set-digest-password.ts'
import { setPresencePolicy } from './admin/set-presence-policy.ts'
import { setServiceProfile } from './admin/set-service-profile.ts'
import { AuthenticationCentre } from './auc/authentication-centre.ts'
import { SqnReservations } from './auc/sqn-reservations.ts'
import type { HssConfig } from './config.ts'
import type { HssContext } from './context.ts'
import { locationInfo } from './cx/location-info.ts'
import { Locations } from './cx/locations.ts'
import { multimediaAuth } from './cx/multimedia-auth.ts'
import { RegistrationPush } from './cx/registration-push.ts'
import { ScscfServers } from './cx/scscf-servers.ts'
import { serverAssignment } from './cx/server-assignment.ts'
import { userAuthorization } from './cx/user-authorization.ts'
import { lookupCredentials } from './digest/lookup.ts'
import { HssEvents } from './events.ts'
import { handle } from './grpc-errors.ts'
import { PolicyPush } from './sh/policy-push.ts'
import { PresenceServers } from './sh/presence-servers.ts'
import { userData } from './sh/user-data.ts'
import { WatchedBucket } from './store-bucket.ts'
import { SubscriberRepository } from './subscribers/repository.ts'
import { resealAll } from './subscribers/resealing.ts'

import { multimediaAuthForGba } from './zh/multimedia-auth.ts'

export { hssShape } from './config.ts'

/** So long a call may take that was under way when the service was told to stop. */
const STOP_GRACE_MS = 3_000

/** What is there once the store is. */
interface OpenStore {
  readonly connection: StoreConnection
  readonly bucket: WatchedBucket
  readonly context: HssContext
}

/** HSS and AuC as one process: Cx, Sh, Zh, digest credentials and the operator's interface over gRPC, the subscribers in a bucket. */
export class HssService implements Service {
  readonly #config: HssConfig
  readonly #runtime: Runtime
  readonly #sealer: Sealer
  readonly #events: HssEvents
  readonly #opener: StoreOpener<OpenStore>
  readonly #stopping = new AbortController()
  readonly #presenceServers: PresenceServers | undefined
  readonly #push: PolicyPush | undefined
  readonly #scscfServers: ScscfServers | undefined
  readonly #registrations: RegistrationPush | undefined
  #opening: Promise<void> | undefined
  #resealing: Promise<void> | undefined
  #isResealed = false
  #server: GrpcServer | undefined

  private constructor(config: HssConfig, runtime: Runtime, sealer: Sealer) {
    this.#config = config
    this.#runtime = runtime
    this.#sealer = sealer
    this.#events = new HssEvents({ metrics: runtime.metrics, audit: runtime.audit })
    const targets = config.ROLLCALL_PRESENCE_TARGETS
    if (targets) {
      this.#presenceServers = new PresenceServers(targets, runtime)
      this.#push = new PolicyPush({
        servers: this.#presenceServers.list,
        clock: runtime.clock,
        onOutcome: (outcome) => this.#events.pushed(outcome),
      })
    }
    const scscfTargets = config.ROLLCALL_HSS_SCSCF_TARGETS
    if (scscfTargets) {
      this.#scscfServers = new ScscfServers(scscfTargets, runtime)
      this.#registrations = new RegistrationPush({
        servers: this.#scscfServers.list,
        clock: runtime.clock,
        onOutcome: (outcome) => this.#events.pushed(outcome),
      })
    }
    runtime.metrics.gauge('rollcall_hss_resealing_done', {}, () => (this.#isResealed ? 1 : 0))
    this.#opener = new StoreOpener({
      clock: runtime.clock,
      open: () => this.#open(),
      onProblem: (error) => runtime.log.error({ err: error }, 'the store cannot be used; it is tried again'),
    })
  }

  /** @throws SealingKeysError when the sealing keys cannot be read. */
  static async create(config: HssConfig, runtime: Runtime): Promise<HssService> {
    return new HssService(config, runtime, await Sealer.load(config.ROLLCALL_HSS_SEALING_KEYS_FILE))
  }

  /** Listens at once; until the store is there every call is UNAVAILABLE. */
  async start(): Promise<void> {
    this.#server = await startGrpcServer({
      listen: this.#config.ROLLCALL_GRPC_LISTEN,
      services: this.#services(),
      runtime: this.#runtime,
    })
    // What it rejects with nobody expected: it stays unhandled, so that the shell logs it, drains and ends.
    this.#opening = this.#opener.run(this.#stopping.signal)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#push?.close()
    this.#registrations?.close()
    await this.#server?.stop(STOP_GRACE_MS)
    await this.#opening?.catch(() => {})
    await this.#resealing
    this.#presenceServers?.[Symbol.dispose]()
    this.#scscfServers?.[Symbol.dispose]()
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.connection.close()
  }

  ready(): Readiness {
    const { state } = this.#opener
    if (state.kind === 'opening') return { ready: false, reasons: [`store: ${state.problem}`] }
    const { connection, bucket } = state.value
    if (!connection.isConnected) return { ready: false, reasons: ['store: disconnected'] }
    return bucket.problem === undefined
      ? { ready: true, reasons: [] }
      : { ready: false, reasons: [`store: ${bucket.problem}`] }
  }

  #services(): GrpcService[] {
    return [
      createGrpcService(CxServiceService, {
        userAuthorization: this.#bind(userAuthorization),
        multimediaAuth: this.#bind(multimediaAuth),
        serverAssignment: this.#bind(serverAssignment),
        locationInfo: this.#bind(locationInfo),
      }),
      createGrpcService(ShServiceService, { userData: this.#bind(userData) }),
      createGrpcService(ZhServiceService, { multimediaAuth: this.#bind(multimediaAuthForGba) }),
      createGrpcService(DigestCredentialsServiceService, { lookup: this.#bind(lookupCredentials) }),
      createGrpcService(SubscriberAdminServiceService, {
        addSubscriber: this.#bind(addSubscriber),
        getSubscriber: this.#bind(getSubscriber),
        listSubscribers: this.#bind(listSubscribers),
        removeSubscriber: this.#bind(removeSubscriber),
        setPresencePolicy: this.#bind(setPresencePolicy),
        setServiceProfile: this.#bind(setServiceProfile),
        setDigestPassword: this.#bind(setDigestPassword),
        setGuss: this.#bind(setGuss),
        getGuss: this.#bind(getGuss),
      }),
    ]
  }

  #bind<Req, Res>(
    handler: (context: HssContext, request: Req, call: RpcContext) => Promise<Res>,
  ): (request: Req, call: RpcContext) => Promise<Res> {
    return handle(this.#events, () => this.#context(), handler)
  }

  #context(): HssContext {
    const { state } = this.#opener
    if (state.kind === 'opening') throw new RpcError('RPC_UNAVAILABLE', state.problem)
    return state.value.context
  }

  async #open(): Promise<OpenStore> {
    const config = this.#config
    const { clock, random } = this.#runtime
    const connection = await connectStore({
      url: config.ROLLCALL_NATS_URL,
      tls: {
        certFile: config.ROLLCALL_TLS_CERT_FILE,
        keyFile: config.ROLLCALL_TLS_KEY_FILE,
        caFile: config.ROLLCALL_TLS_CA_FILE,
      },
      service: 'hss',
      clock,
      signal: this.#stopping.signal,
      onStatus: (status) => this.#runtime.log.info({ status }, 'store connection'),
    })
    try {
      const bucket = new WatchedBucket(await KeyValue.open({ connection, bucket: HSS_BUCKET }), connection)
      const repository = new SubscriberRepository({ bucket, sealer: this.#sealer, random })
      const { keys } = repository
      const reservations = new SqnReservations({ bucket, keys })
      const context: HssContext = {
        realm: config.ROLLCALL_REALM,
        repository,
        locations: new Locations({ bucket, keys }),
        auc: new AuthenticationCentre({ repository, reservations, random }),
        events: this.#events,
        push: this.#push,
        registrations: this.#registrations,
      }
      this.#resealing = this.#reseal(repository)
      return { connection, bucket, context }
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  /** Goes over all subscribers once the store is there; what it cannot do it tries again, and it is no reason to stop. */
  async #reseal(repository: SubscriberRepository): Promise<void> {
    const { clock, log } = this.#runtime
    const outcome = await resealAll({
      repository,
      clock,
      signal: this.#stopping.signal,
      onResealed: () => this.#events.resealed(),
      onWalked: ({ resealed, failed, error }) => {
        if (failed > 0) log.warn({ resealed, failed, err: error }, 'not every subscriber could be sealed anew')
        else log.info({ resealed }, 'every subscriber is sealed by the current key')
      },
    })
    this.#isResealed = outcome === 'done'
  }
}
