import json

import numpy as np

from odoo import models


class SalesStudy(models.Model):
    """How a study of demand puts what it found, to be written, and how good that is."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _lay_out_forecasts(self, kind, ahead, demand, recent, nodes, levels, above, agreed):
        """Return the heads and lines of :meth:`SalesForecast._replace`.

        :param recent: the series of products, one of ``nodes`` each; those told are the products of ``levels``
        """
        products = self._prepare_product_heads(kind, demand, recent, nodes, levels)
        told = np.flatnonzero(nodes.told)
        heads, parts = list(products), [(told, 'product', np.arange(len(told)))]
        for level, ids in (('category', levels.category_ids), ('team', levels.team_ids), ('company', [0])):
            chosen, statuses = self._choose_nodes(level, above[level], agreed)
            shown = np.array([status != 'abstained' for status in statuses], bool)
            parts.append((len(heads) + np.flatnonzero(shown), level, chosen[shown]))
            heads += [
                self._prepare_node_head(kind, level, int(ids[node]), above[level], node, status)
                for node, status in zip(chosen.tolist(), statuses, strict=True)]
        count = len(ahead)
        lines = {
            'head': np.concatenate([np.repeat(places, count) for places, _level, _nodes in parts]),
            'date': np.concatenate([
                np.tile(ahead.starts, len(places)) for places, _level, _nodes in parts]).astype('datetime64[D]'),
            **{name: np.concatenate([getattr(agreed, figure)[level][chosen].ravel() for _p, level, chosen in parts])
               for name, figure in (('mean', 'means'), ('lo', 'lows'), ('hi', 'highs'))},
        }
        return heads, lines

    def _prepare_product_heads(self, kind, demand, recent, nodes, levels):
        ids = [demand.products[series] for series in recent.tolist()]
        units = {product.id: product.uom_id.id for product in self.env['product.product'].sudo().browse(map(int, ids))}
        categories, told_place = demand.categories, np.cumsum(nodes.told) - 1
        heads = []
        for place, series in enumerate(recent.tolist()):
            forecast = nodes.forecasts[place]
            product, warehouse = int(demand.products[series]), int(demand.warehouses[series])
            own = told_place[place] if forecast.status != 'abstained' else None
            heads.append({
                **self._prepare_head(forecast, forecast.status, nodes.known[place]),
                'key': f'{kind}:product:{product}:{warehouse}',
                'level': 'product_warehouse',
                'product_id': product,
                'warehouse_id': warehouse,
                'categ_id': int(categories[series]) or None,
                'uom_id': units[product],
                'price': 0 if own is None else float(levels.prices[own]),
                'team_shares': None if own is None else json.dumps({
                    int(team): round(float(share), 6)
                    for team, share in zip(levels.team_ids, levels.shares[own], strict=True) if share > 0}),
            })
        return heads

    def _choose_nodes(self, level, nodes, agreed):
        """Return which nodes of a level sold, or will sell, something, and the status of each."""
        expected = agreed.means[level].sum(axis=1) > 0
        chosen = np.flatnonzero(expected | (np.nan_to_num(nodes.values[:, -12:]).sum(axis=1) > 0))
        # without any forecast, sums tell nothing either
        summed = len(agreed.means['product']) > 0
        return chosen, [
            nodes.forecasts[node].status if nodes.told[node] else 'sum' if summed and expected[node] else 'abstained'
            for node in chosen.tolist()]

    def _prepare_node_head(self, kind, level, record_id, nodes, node, status):
        return {
            **self._prepare_head(nodes.forecasts[node], status, nodes.known[node]),
            'key': f'{kind}:{level}:{record_id}',
            'level': level,
            'categ_id': record_id or None if level == 'category' else None,
            'team_id': record_id or None if level == 'team' else None,
        }

    def _prepare_head(self, forecast, status, known):
        judged = status in ('ok', 'naive')
        better = judged and forecast.naive_error > 0
        return {
            'product_id': None, 'warehouse_id': None, 'categ_id': None, 'team_id': None, 'uom_id': None,
            'model': forecast.model or None,
            'status': status,
            'known_periods': int(known),
            'backtest_error': float(forecast.backtest_error) if judged else None,
            'naive_error': float(forecast.naive_error) if judged else None,
            'gain': float(1 - forecast.backtest_error / forecast.naive_error) if better else None,
            'price': 0,
            'team_shares': None,
        }

    def _get_demand_measures(self, kind, levels, products, above):
        """Return how far off the back-tests were: of products, at their price, and of the company."""
        month = kind == 'month'
        found = []
        if products.forecasts:
            found.append(self._prepare_demand_measure(
                self.env._("Error of products by month") if month else self.env._("Error of products by week"),
                products, levels.prices, self.env._("%(count)s products", count=len(products.forecasts))))
        if above['company'].told.all():
            found.append(self._prepare_demand_measure(
                self.env._("Error of the company by month") if month else self.env._("Error of the company by week"),
                above['company'], np.ones(1), self.company_id.name))
        return found

    def _prepare_demand_measure(self, name, nodes, prices, of_what):
        errors, naive = (
            np.array([getattr(forecast, figure) for forecast in nodes.forecasts])
            for figure in ('backtest_error', 'naive_error'))
        usual = np.nanmean(nodes.values, axis=1)
        judged = np.isfinite(errors) & np.isfinite(naive)
        size = max(float((usual * prices)[judged].sum()), 1e-9)
        return {
            'measure': name,
            'value': float((errors * prices)[judged].sum()) / size,
            'naive': float((naive * prices)[judged].sum()) / size,
            'naive_label': self.env._("The same period of the season before"),
            'better': 'lower',
            'data': self.env._(
                "%(what)s: past periods told by those before them, as a share of what is usual", what=of_what),
        }
