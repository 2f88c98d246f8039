import type { Guard } from '../guard.ts'

/** Guards of what runs in containers. */
export const CONTAINER_GUARDS: readonly Guard[] = [
  {
    name: 'store-key-noted',
    file: 'packages/store/src/init/prepare-data-folder.ts',
    code: 'await writeLedger(ledgerFile, { key: natsKeyFingerprint(o.encryptionKey), streams: [] })',
    without: 'void [writeLedger, natsKeyFingerprint]',
    tests: ['packages/store/src/init/prepare-data-folder.test.ts'],
  },
  {
    name: 'nats-monitor-local',
    file: 'services/nats/src/service.ts',
    code: '!isLoopback(monitor.address)',
    without: 'false',
    tests: ['services/nats/src/config.test.ts'],
  },
]
