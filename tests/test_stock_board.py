import json
from datetime import date, timedelta
from unittest import TestCase
from unittest.mock import Mock, patch

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.sms_addon.models.sales_stock_position_live import CHANGED, CHANNEL, MAX_IDS
from odoo.addons.sms_addon.tools.stock_curve import past_stock, projected_stock

from .stock_common import StockCommon

TODAY = date(2027, 5, 3)
DAYS = st.dictionaries(st.integers(-40, 40).map(lambda n: TODAY + timedelta(days=n)), st.integers(-20, 20))


class TestStockCurveTool(TestCase):
    """Past and projected stock, day by day."""

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(on_hand=st.integers(-50, 50), moves=DAYS, days=st.integers(0, 40))
    def test_the_past_and_its_moves_make_the_present(self, on_hand, moves, days):
        path = past_stock(on_hand, moves, TODAY, days)
        self.assertEqual(len(path), days + 1)
        later = sum(moved for day, moved in moves.items() if day > TODAY)
        self.assertEqual(path[-1], (TODAY, on_hand - later))
        for (_day, before), (day, after) in zip(path, path[1:], strict=False):
            self.assertEqual(after - before, moves.get(day, 0))

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(on_hand=st.integers(-50, 50), receipts=DAYS, demand=st.integers(0, 9), days=st.integers(0, 40))
    def test_the_projection_adds_up(self, on_hand, receipts, demand, days):
        path = projected_stock(on_hand, receipts, {}, demand, 2.0, TODAY, days)
        arrived = sum(moved for day, moved in receipts.items() if day <= path[-1][0])
        self.assertEqual(path[-1][1], on_hand + arrived - demand * days)
        for (_day, stock, low, high), ahead in zip(path, range(days + 1), strict=True):
            self.assertAlmostEqual(stock - low, high - stock)
            self.assertAlmostEqual(high - stock, 1.2816 * 2 * ahead ** 0.5)

    def test_planned_deliveries_leave_on_their_day_or_today(self):
        planned = {TODAY - timedelta(days=2): 3, TODAY + timedelta(days=1): 4}
        self.assertEqual([row[1] for row in projected_stock(10, {}, planned, 0, 0, TODAY, 2)], [7, 3, 3])


@tagged('post_install', '-at_install')
class TestStockBoard(StockCommon):
    """The board, who sees it, and how it hears of changes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_user')

    def setUp(self):
        super().setUp()
        self.receive(self.goods[0], 10)
        self.follow()
        self.env.cr.flush()
        self.env['bus.bus'].sudo().search([('id', '>', 0)]).unlink()

    def ask_no_rules(self):
        """Have no savepoint between two changes: the rules on positions are asked within one."""
        self.patch(type(self.positions), '_ask_rules', lambda *_args: None)

    def messages(self):
        """Return (company id, payload) of what boards were told since the last time."""
        self.env.cr.flush()
        found = []
        messages = self.env['bus.bus'].sudo().search([('id', '>', 0)], order='id')
        for message in messages:
            content = json.loads(message.message)
            if content['type'] == CHANGED:
                [_db, model, company_id, channel] = json.loads(message.channel)
                self.assertEqual((model, channel), ('res.company', CHANNEL))
                found.append((company_id, content['payload']))
        messages.unlink()
        return found

    # -- messages

    def test_a_delivery_tells_which_positions_changed(self):
        self.ship(self.goods[0], 4)
        self.follow()
        self.assertEqual(self.messages(), [(self.company.id, {'ids': self.position(self.goods[0]).ids})])
        self.assertEqual(self.position(self.goods[0]).qty_on_hand, 6)

    def test_several_changes_are_one_message(self):
        self.ask_no_rules()
        positions = self.positions.search([('company_id', '=', self.company.id)], limit=3)
        for position in positions + positions:
            self.positions._notify_changed(position.ids)
        self.assertEqual(self.messages(), [(self.company.id, {'ids': sorted(positions.ids)})])
        self.positions._notify_changed([])
        self.assertEqual(self.messages(), [])

    def test_many_changes_are_told_of_as_all(self):
        ids = [self.positions.sudo().create({
            'product_id': product.id, 'product_tmpl_id': product.product_tmpl_id.id,
            'warehouse_id': self.main.id, 'company_id': self.company.id}).id
            for product in self.env['product.product'].create(
                [{'name': f"Many {n}"} for n in range(MAX_IDS + 1)])]
        self.positions._notify_changed(ids[:MAX_IDS])
        self.assertEqual(self.messages(), [(self.company.id, {'ids': sorted(ids[:MAX_IDS])})])
        self.positions._notify_changed(ids)
        self.assertEqual(self.messages(), [(self.company.id, {'all': True})])

    def test_a_rebuild_tells_every_company(self):
        self.ask_no_rules()
        self.positions._notify_changed(self.position(self.goods[0]).ids)
        self.positions._notify_changed(None)
        self.assertEqual(
            self.messages(),
            [(company.id, {'all': True}) for company in self.env['res.company'].search([('active', '=', True)])])

    def test_a_company_hears_of_its_own(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        stock = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1)
        self.move(self.goods[0], 6, self.supplier_location, stock.lot_stock_id, company_id=elsewhere.id)
        self.follow()
        told = dict(self.messages())
        self.assertEqual(told[elsewhere.id], {'ids': self.position(self.goods[0], stock).ids})

    def test_one_that_is_gone_is_told_of_too(self):
        position = self.position(self.goods[0])
        position.sudo().unlink()
        self.positions._notify_changed(position.ids)
        self.assertIn((self.company.id, {'ids': position.ids}), self.messages())

    def test_who_hears(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.planner.company_ids += elsewhere
        stranger = new_test_user(self.env, 'stranger', 'base.group_user')

        def channels(user):
            self.env.invalidate_all()
            with patch('odoo.addons.bus.models.ir_websocket.wsrequest', Mock(session=Mock(uid=1))):
                found = self.env['ir.websocket'].with_user(user)._build_bus_channel_list([CHANNEL])
            # others have records as their channels, which are not compared with a text
            return [channel for channel in found if isinstance(channel, (str, tuple)) and (
                channel if isinstance(channel, str) else channel[-1]) == CHANNEL]

        self.assertEqual(channels(self.salesman), [(self.company, CHANNEL)])
        self.assertCountEqual(channels(self.planner), [(self.company, CHANNEL), (elsewhere, CHANNEL)])
        for user in (stranger, self.portal, self.env.ref('base.public_user')):
            self.assertEqual(channels(user), [])

    # -- the views

    def test_statuses_come_in_their_order(self):
        self.put(self.goods[1], 5)
        self.follow()
        groups = self.positions._read_group([('product_id', 'in', self.goods.ids)], ['status'], ['__count'])
        places = [name for name, _label in self.positions._fields['status'].selection]
        self.assertEqual(
            [status for status, _count in groups], sorted({status for status, _count in groups}, key=places.index))
        board = self.positions.with_user(self.planner).formatted_read_group(
            [('product_id', 'in', self.goods.ids)], ['status'], ['__count'])
        self.assertTrue(board)

    def test_a_page_takes_few_queries(self):
        for product in self.goods[1:]:
            self.receive(product, 5)
        self.follow()
        board = self.positions.with_user(self.planner)
        view = board.get_view(self.env.ref('sms_addon.sales_stock_position_view_list').id, 'list')
        names = [name for name in view['models']['sales.stock.position'] if name in board._fields]
        specification = {
            name: {'fields': {'display_name': {}}} if board._fields[name].relational else {} for name in names}
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        page = board.web_search_read([], specification, limit=80)
        self.assertLess(self.env.cr.sql_log_count - before, 20)
        self.assertGreaterEqual(page['length'], 3)

    def test_rights(self):
        position = self.position(self.goods[0])
        stranger = new_test_user(self.env, 'stranger', 'base.group_user')
        for user in (self.planner, self.salesman, self.all_leads, self.manager):
            self.env.invalidate_all()
            own = position.with_user(user)
            own.read()
            self.assertTrue(own.get_stock_curve()['days'])
            self.assertEqual(own.get_stock_map()['quantity'], 10)
            self.assertEqual(own.product_id.get_stock_map()['quantity'], 10)
            with self.assertRaises(AccessError):
                own.write({'qty_on_hand': 3})
        for user in (stranger, self.portal):
            self.env.invalidate_all()
            for method in ('get_stock_curve', 'get_stock_map', 'read'):
                with self.assertRaises(AccessError):
                    getattr(position.with_user(user), method)()
            with self.assertRaises(AccessError):
                self.goods[0].with_user(user).get_stock_map()

    def test_other_companies(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        stock = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1)
        self.move(self.goods[0], 6, self.supplier_location, stock.lot_stock_id, company_id=elsewhere.id)
        self.follow()
        position = self.position(self.goods[0], stock).with_user(self.planner)
        self.env.invalidate_all()
        for method in ('get_stock_curve', 'get_stock_map', 'read'):
            with self.assertRaises(AccessError):
                getattr(position, method)()
        self.assertEqual(self.position(self.goods[0]).with_user(self.planner).get_stock_map()['quantity'], 10)
        self.planner.company_ids += elsewhere
        both = self.position(self.goods[0]).with_user(self.planner).with_context(
            allowed_company_ids=(self.company + elsewhere).ids)
        self.assertEqual(both.get_stock_map()['quantity'], 16)

    # -- chart and map

    @freeze_time('2027-05-03 12:00:00')
    def test_the_curve_is_what_was_moved_and_what_is_planned(self):
        product = self.goods[1]
        for day, quantity in (('2027-04-20', 30), ('2027-04-28', 12)):
            move = self.receive(product, quantity)
            move.move_line_ids.date = f'{day} 09:00:00'
            move.date = f'{day} 09:00:00'
        self.ship(product, 2)
        self.receive(product, 7, done=False, date='2027-05-06 08:00:00')
        self.ship(product, 5, done=False, date='2027-05-04 08:00:00')
        self.follow()
        position = self.position(product)
        position.sudo().write({'daily_demand': 2, 'demand_spread': 1, 'demand_days': 90})
        curve = position.get_stock_curve(14, 4)
        self.assertEqual(
            (curve['days'][0], curve['today'], curve['days'][-1]), ('2027-04-19', '2027-05-03', '2027-05-07'))
        self.assertEqual(curve['past'], [0] + [30] * 8 + [42] * 5 + [40] + [None] * 4)
        self.assertEqual(curve['future'], [None] * 14 + [40, 33, 31, 36, 34])
        self.assertEqual(curve['low'][14], 40)
        self.assertAlmostEqual(curve['high'][-1] - curve['future'][-1], 1.2816 * 2)
        self.assertEqual(curve['receipts'], [{'day': '2027-05-06', 'quantity': 7, 'names': []}])
        for name in ('past', 'future', 'low', 'high'):
            self.assertEqual(len(curve[name]), len(curve['days']))

    @freeze_time('2027-05-03 20:00:00')
    def test_days_are_those_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        move = self.receive(self.goods[1], 4)
        move.move_line_ids.date = '2027-05-02 15:59:00'
        self.follow()
        curve = self.position(self.goods[1]).get_stock_curve(3, 0)
        self.assertEqual(curve['today'], '2027-05-04')
        self.assertEqual(dict(zip(curve['days'], curve['past'], strict=True))['2027-05-02'], 4)
        self.assertEqual(dict(zip(curve['days'], curve['past'], strict=True))['2027-05-01'], 0)

    @freeze_time('2027-05-03 12:00:00')
    def test_the_curve_runs_out_when_the_position_says_so(self):
        self.ship(self.goods[0], 7, done=False, date='2027-05-05 10:00:00')
        self.ship(self.goods[0], 3, done=False, date='2027-05-09 10:00:00')
        self.follow()
        position = self.position(self.goods[0])
        curve = position.get_stock_curve(0, 30)
        empty = next(day for day, stock in zip(curve['days'], curve['future'], strict=True) if stock <= 0)
        self.assertEqual((empty, position.stockout_date), ('2027-05-09', date(2027, 5, 9)))

    def test_a_chart_has_an_end(self):
        position = self.position(self.goods[0])
        for days in ((90, 100000), (-1, 10)):
            with self.assertRaises(UserError):
                position.get_stock_curve(*days)

    def test_the_map_has_locations_and_lots(self):
        product = self.goods[2]
        product.tracking = 'lot'
        lots = self.env['stock.lot'].create([{'name': name, 'product_id': product.id} for name in ('L1', 'L2')])
        shelf = self.env['stock.location'].create({
            'name': "Shelf", 'location_id': self.main.lot_stock_id.id, 'usage': 'internal'})
        self.put(product, 3, location=shelf, lot_id=lots[0])
        self.put(product, 5, location=shelf, lot_id=lots[1])
        self.put(product, 2, self.branch, lot_id=lots[1])
        self.ship(product, 1, self.branch, done=False)
        found = product.get_stock_map()
        self.assertEqual((found['quantity'], found['unit']), (10, product.uom_id.name))
        main, branch = found['warehouses']
        self.assertEqual(
            [(place['name'], place['quantity'], place['reserved']) for place in (main, branch)],
            [(self.main.name, 8, 0), ("Branch", 2, 1)])
        self.assertEqual([place['name'] for place in main['locations']], [shelf.complete_name])
        self.assertEqual(
            [(lot['name'], lot['quantity']) for lot in main['locations'][0]['lots']], [('L2', 5), ('L1', 3)])

    def test_queries_of_chart_and_map_do_not_grow(self):
        counts = []
        for number in (1, 1, 8):
            for _move in range(number):
                self.receive(self.goods[0], 1)
                self.ship(self.goods[0], 1, done=False)
            self.follow()
            position = self.position(self.goods[0])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            position.get_stock_curve()
            position.get_stock_map()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
