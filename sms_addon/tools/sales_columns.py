"""Which column of a file means what: a guess from its header, in English, Chinese and by common synonyms."""

from __future__ import annotations

import re

# Target field: headers it goes by, compared without case, spaces and punctuation. The first match wins.
SYNONYMS = {
    'order_ref': (
        'order id',
        'order ref',
        'order reference',
        'order number',
        'order no',
        'order',
        'invoice no',
        'invoice',
        'invoice number',
        'invoice id',
        'so number',
        'document',
        'sales order',
        '订单号',
        '订单编号',
        '订单',
        '订单id',
        '单号',
        '发票号',
        '单据编号',
    ),
    'line_ref': ('row id', 'line id', 'line number', 'line no', 'line', 'row', '行号', '行id', '序号', '明细编号'),
    'date': (
        'order date',
        'date',
        'invoice date',
        'date order',
        'order datetime',
        'transaction date',
        'sale date',
        'day',
        '日期',
        '订单日期',
        '下单日期',
        '订购日期',
        '销售日期',
        '发票日期',
        '下单时间',
    ),
    'customer_ref': (
        'customer id',
        'customer ref',
        'customer code',
        'customer no',
        'customer number',
        'client id',
        'account id',
        '客户编号',
        '客户id',
        '客户代码',
        '客户号',
    ),
    'customer_name': (
        'customer name',
        'customer',
        'client',
        'client name',
        'account',
        'account name',
        'buyer',
        'partner',
        '客户名称',
        '客户',
        '客户姓名',
        '买家',
    ),
    'country': ('country', 'country region', 'nation', '国家', '国家地区'),
    'state': ('state', 'state province', 'province', '省', '省份', '州', '省自治区'),
    'city': ('city', 'town', '城市', '市'),
    'zip': ('postal code', 'zip', 'zip code', 'postcode', '邮编', '邮政编码'),
    'segment': ('segment', 'customer segment', 'customer group', '细分', '客户细分', '客户类型'),
    'product_code': (
        'product id',
        'product code',
        'sku',
        'stock code',
        'item code',
        'internal reference',
        'article',
        'item id',
        '产品编号',
        '商品编号',
        '产品id',
        '产品编码',
        '商品编码',
        '货号',
        '物料编码',
    ),
    'product_name': (
        'product name',
        'product',
        'description',
        'item',
        'item name',
        'product description',
        'article name',
        '产品名称',
        '产品',
        '商品名称',
        '商品',
        '品名',
        '描述',
    ),
    'category': ('category', 'product category', 'family', '类别', '产品类别', '商品类别', '分类', '品类'),
    'subcategory': ('sub category', 'subcategory', '子类别', '子分类', '小类'),
    'quantity': (
        'quantity',
        'qty',
        'units',
        'quantity ordered',
        'ordered quantity',
        '数量',
        '订购数量',
        '销量',
        '件数',
    ),
    'unit_price': ('unit price', 'price', 'price unit', 'sales price', 'price each', '单价', '价格', '售价'),
    'discount': ('discount', 'discount percent', 'disc', 'discount rate', '折扣', '折扣率'),
    'total': (
        'sales',
        'total',
        'line total',
        'amount',
        'subtotal',
        'revenue',
        'net amount',
        'extended price',
        'turnover',
        '销售额',
        '金额',
        '小计',
        '总额',
        '总价',
        '合计',
    ),
    'unit_cost': ('unit cost', 'cost', 'cost price', 'standard cost', '成本', '单位成本', '成本价'),
    'profit': ('profit', 'margin', 'gross profit', '利润', '毛利'),
    'currency': ('currency', 'currency code', '币种', '货币'),
    'team': ('region', 'sales team', 'team', 'territory', 'market', '区域', '销售团队', '大区', '团队', '地区'),
    'salesperson': (
        'salesperson',
        'sales person',
        'sales rep',
        'sales representative',
        'seller',
        'sales agent',
        'employee',
        'employee name',
        '销售员',
        '销售人员',
        '业务员',
        '销售代表',
    ),
    'status': ('status', 'order status', 'order state', '状态', '订单状态'),
}
REQUIRED = (('order_ref',), ('date',), ('product_code', 'product_name'), ('quantity',), ('unit_price', 'total'))


def guess_mapping(headers: list[str]) -> dict[str, str | None]:
    """Return the target field of each header, ``None`` for those not recognised; no target is given twice."""
    rank = {
        _normal(name): (position, target)
        for target, names in SYNONYMS.items()
        for position, name in [*enumerate(names), (0, target)]
    }
    found = {}  # target: (rank, header); the header nearest to the head of the list of names gets it
    for header in headers:
        position, target = rank.get(_normal(header), (0, None))
        if target and (target not in found or position < found[target][0]):
            found[target] = (position, header)
    given = {header: target for target, (_position, header) in found.items()}
    return {header: given.get(header) for header in headers}


def missing_targets(targets) -> list[tuple[str, ...]]:
    """Return the requirements (each: one of these) that the mapped targets do not meet."""
    targets = set(targets)
    return [alternatives for alternatives in REQUIRED if targets.isdisjoint(alternatives)]


def _normal(header):
    return re.sub(r'[\W_]+', '', header).casefold()
