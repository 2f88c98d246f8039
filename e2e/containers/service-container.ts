import { GenericContainer, Wait } from 'testcontainers'

/** As a restricted Pod has it. */
const USER = '10001:10001'
/** The image asks every ten seconds; who waits for the first answer asks more often. */
const HEALTH_INTERVAL_NS = 1_000_000_000
const STARTUP_MS_MAX = 60_000

export interface ContainerOptions {
  readonly image: string
  readonly name: string
  readonly network: string
  readonly address: string
  readonly aliases: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Host folder to folder in the container; read-only unless it says otherwise. */
  readonly mounts: readonly { readonly source: string; readonly target: string; readonly isWritable?: boolean }[]
  readonly command?: readonly string[]
}

/** A container as the chart's Pods are: read-only root, no capability, no way to gain one, a user that owns nothing. */
export class ServiceContainer extends GenericContainer {
  constructor(o: ContainerOptions) {
    super(o.image)
    this.withName(o.name)
      .withUser(USER)
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withTmpFs({ '/tmp': 'rw,noexec,nosuid,nodev,size=16m,mode=1777' })
      .withEnvironment(o.environment)
      .withNetworkMode(o.network)
      .withBindMounts(
        o.mounts.map(({ source, target, isWritable }) => ({ source, target, mode: isWritable ? 'rw' : 'ro' })),
      )
      .withStartupTimeout(STARTUP_MS_MAX)
    if (o.command) this.withCommand([...o.command])
    this.hostConfig.ReadonlyRootfs = true
    // A fixed address, the same after a restart: testcontainers has no word for it.
    this.createOpts.NetworkingConfig = {
      EndpointsConfig: { [o.network]: { IPAMConfig: { IPv4Address: o.address }, Aliases: [...o.aliases] } },
    }
  }

  /** Waits for the image's own health check. */
  untilHealthy(): this {
    // Without a test of its own the image's is taken.
    this.createOpts.Healthcheck = { Interval: HEALTH_INTERVAL_NS }
    return this.withWaitStrategy(Wait.forHealthCheck())
  }

  /** Waits for its end, with exit code 0. */
  untilEnded(): this {
    return this.withWaitStrategy(Wait.forOneShotStartup())
  }
}
