"""Collections 数据集: what the standards let clients see, filter and take away, each by one declaration."""
