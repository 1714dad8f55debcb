import { Controller, Inject, Param } from '@nestjs/common';
import { describeBrokerConfigs } from '@sluice/broker';
import type { BrokerInfo } from '@sluice/cluster';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { ADMIN_PARTS } from '../tokens';
import { configList, ConfigList } from '../topics/config.views';
import { BrokerList, BrokerView } from './broker.views';

/** The brokers of the cluster. */
@Controller({ path: 'brokers', version: '1' })
export class BrokersController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', { role: 'read', summary: 'List brokers', answers: () => BrokerList })
  listBrokers(): BrokerList {
    const { cluster } = this.parts.broker.services;
    return { brokers: cluster.brokers().map((broker) => this.#view(broker)) };
  }

  @Endpoint('GET', ':broker', {
    role: 'read',
    summary: 'Describe a broker',
    answers: () => BrokerView,
    problems: ['unknown-broker'],
  })
  describeBroker(@Param('broker') id: string): BrokerView {
    return this.#view(this.#find(id));
  }

  @Endpoint('GET', ':broker/configs', {
    role: 'read',
    summary: "List a broker's configs",
    about:
      "Its settings under Kafka's names, and the defaults of topics. They are read-only. Each " +
      'broker tells its own.',
    answers: () => ConfigList,
    problems: ['unknown-broker', 'other-broker'],
  })
  listBrokerConfigs(@Param('broker') id: string): ConfigList {
    const { host } = this.#find(id);
    const { selfId } = this.parts.broker.services.cluster;
    if (id !== String(selfId)) {
      const detail = `This is broker ${selfId}: ask broker ${id}, at ${host}, for its configs.`;
      throw new Problem('other-broker', detail);
    }
    return configList(describeBrokerConfigs(this.parts.broker.services));
  }

  #find(id: string): BrokerInfo {
    const brokers = this.parts.broker.services.cluster.brokers();
    const found = brokers.find((broker) => String(broker.id) === id);
    if (found !== undefined) return found;
    const ids = brokers.map((broker) => broker.id).join(', ');
    throw new Problem(
      'unknown-broker',
      `There is no broker '${id}'; those that are there: ${ids}.`,
    );
  }

  #view({ id, host, port, rack, version }: BrokerInfo): BrokerView {
    const { broker } = this.parts;
    const { selfId, controllerId } = broker.services.cluster;
    const connections = id === selfId ? broker.connectionCount : null;
    return { id, host, port, rack, isController: id === controllerId, version, connections };
  }
}
