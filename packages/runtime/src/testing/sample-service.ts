import { setTimeout as delay } from 'node:timers/promises'
import * as field from '../config-fields.ts'
import { runService } from '../run-service.ts'
import { startSpan } from '../tracing.ts'

/** A service for the test of the shell: what it does wrong is its setting. */
await runService({
  name: 'hss',
  drainMs: 500,
  shape: {
    ROLLCALL_HSS_MOOD: field
      .oneOf(['good', 'throws', 'rejects', 'slow', 'stuck'], { is: 'what it does', example: 'good' })
      .default('good'),
  },
  create(config, runtime) {
    const mood = config.ROLLCALL_HSS_MOOD
    return {
      async start() {
        startSpan('hss reserve SQN').end()
        if (mood === 'throws') setTimeout(raise, 10)
        if (mood === 'rejects') void delay(10).then(raise)
        if (mood === 'slow') await delay(300)
      },
      async stop() {
        runtime.log.info('stopping')
        await delay(mood === 'stuck' ? 60_000 : 50)
      },
      ready: () => ({ ready: true, reasons: [] }),
    }
  },
})

function raise(): never {
  throw new TypeError('a mistake of ours')
}
