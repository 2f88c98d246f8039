import { globSync } from 'node:fs'
import { DockerUnobtainableError, newPrefix, obtainDocker, sweepAfter } from '@rollcall/e2e/docker'
import { ROOT } from '../check/root.ts'
import { runTests } from './test-run.ts'

/** `npm run test:e2e`: the tests with containers. They run on a Docker server that answers, or on one started for them. */
const FILE_TIMEOUT_MS = 900_000

async function main(): Promise<number> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.error(
      'npm run test:e2e runs on Linux as root: UEs and attackers have addresses on the network of the containers.',
    )
    return 1
  }
  try {
    await using cleanup = new AsyncDisposableStack()
    const docker = await obtainDocker((line) => console.log(line))
    cleanup.defer(docker.stop)
    console.log(`Docker: ${docker.how}`)
    const prefix = newPrefix()
    const env = {
      DOCKER_HOST: docker.host,
      // The reaper's image cannot be pulled everywhere; what the tests make they remove.
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      // Nothing is published: containers are reached at their own addresses. Without it a default bridge is looked for.
      TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1',
    }
    cleanup.defer(async () => await sweepAfter(env, prefix))
    return await runTests(globSync('e2e/containers/*.test.ts', { cwd: ROOT }), {
      concurrency: 1,
      fileTimeoutMs: FILE_TIMEOUT_MS,
      env: { ...env, ROLLCALL_E2E_PREFIX: prefix },
    })
  } catch (error) {
    if (!(error instanceof DockerUnobtainableError)) throw error
    console.error(error.message)
    return 1
  }
}

process.exitCode = await main()
