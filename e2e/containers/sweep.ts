import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ContainerRuntimeClient, getContainerRuntimeClient } from 'testcontainers'

/** A name for all that one run makes: containers, network, images, folder. */
export function newPrefix(): string {
  return `rc-${randomUUID().slice(0, 8)}`
}

/** Where a run has its certificates, keys and data. */
export function folderOf(prefix: string): string {
  return join(tmpdir(), `rollcall-containers-${prefix}`)
}

/** The same from outside, when the run itself was cut off. */
export async function sweepAfter(environment: Readonly<Record<string, string>>, prefix: string): Promise<void> {
  Object.assign(process.env, environment)
  await sweep(await getContainerRuntimeClient(), prefix)
}

/**
 * Removes what a run has made: containers and their volumes, the network, images, what the steps of the Dockerfile left, and its
 * folder. What is not there is no fault: it runs after each run, and again should that have been cut off.
 */
export async function sweep(client: ContainerRuntimeClient, prefix: string): Promise<void> {
  const { dockerode } = client.container
  const containers = await dockerode.listContainers({ all: true, filters: { name: [`^/${prefix}-`] } })
  await Promise.all(containers.map(async ({ Id }) => await dockerode.getContainer(Id).remove({ force: true, v: true })))
  for (const { Id } of await dockerode.listNetworks({ filters: { name: [`^${prefix}$`] } })) {
    await dockerode.getNetwork(Id).remove()
  }
  for (const { RepoTags } of await dockerode.listImages({ filters: { reference: [`${prefix}/*`] } })) {
    for (const tag of RepoTags ?? []) await dockerode.getImage(tag).remove({ force: true })
  }
  // They bear this label, and nobody else's images do.
  await dockerode.pruneImages({ filters: { dangling: ['true'], label: ['rollcall.stage=build'] } })
  await rm(folderOf(prefix), { recursive: true, force: true })
}
